import assert from "node:assert/strict";
import { parseMediaType } from "../../../src/dicomweb/media_type/media_type.ts";
import {
  PROFILE_NAMES,
  profiles,
  type RuleId,
  withRules,
} from "../../../src/dicomweb/profile/profile.ts";
import { ruleCatalogue } from "../../../src/dicomweb/profile/rule_catalogue.ts";

for (const name of PROFILE_NAMES) {
  Deno.test(`Profile ${name} has a value for every rule, of its kind and within its bounds`, () => {
    const { rules } = profiles[name];
    assert.equal(profiles[name].name, name);
    assert.deepEqual(Object.keys(rules).sort(), Object.keys(ruleCatalogue).sort());
    for (const [id, rule] of Object.entries(ruleCatalogue)) {
      const value: unknown = rules[id as RuleId];
      switch (rule.kind) {
        case "switch":
          assert.equal(typeof value, "boolean", id);
          break;
        case "number":
          assert(Number.isInteger(value), id);
          assert((value as number) >= rule.least && (value as number) <= rule.most, id);
          break;
        case "numbers":
          for (const one of value as number[]) assert(one >= rule.least && one <= rule.most, id);
          break;
        case "mediaTypes":
          for (const text of value as string[]) assert(parseMediaType(text), `${id} ${text}`);
      }
    }
  });

  Deno.test(`Profile ${name} cannot be changed`, () => {
    const profile = profiles[name] as { name: string };
    const rules = profiles[name].rules as { rewriteUrls: boolean };
    const types = profiles[name].rules.frameTypes as string[];
    assert.throws(() => profile.name = "x", TypeError);
    assert.throws(() => rules.rewriteUrls = !rules.rewriteUrls, TypeError);
    assert.throws(() => types.push("a/b"), TypeError);
  });
}

Deno.test("withRules freezes given values too, and keeps the profile's name", () => {
  const searchTypes = ["a/b"];
  const profile = withRules(profiles.google, { searchTypes });
  assert.equal(profile.name, "google");
  assert.equal(Object.isFrozen(profile.rules.searchTypes), true);
  assert.equal(profile.rules.nameDefaultType, true);
});

/** PS3.18, section 8.7.3.4. */
Deno.test("Profiles request the stored transfer syntax only of stores that cannot transcode", () => {
  for (const name of PROFILE_NAMES) {
    const { askStored, askStoredFrames, askStoredAfter } = profiles[name].rules;
    assert.deepEqual([askStored, askStoredFrames], [false, false], name);
    assert(askStoredAfter.includes(406), name);
  }
});

/** Azure, DICOM Conformance Statement v2; AWS HealthImaging Developer Guide. */
Deno.test("Profiles have the limits that their stores document", () => {
  const { azure, google, aws, generic } = profiles;
  assert.equal(azure.rules.storeMaxBytes, 4_000_000_000);
  assert.deepEqual(azure.rules.duplicateReasons, [45070]);
  assert.equal(azure.rules.searchPageSize, 200);
  assert.equal(aws.rules.storeMaxBytes, 1_000_000_000);
  assert.equal(aws.rules.retrieveByInstance, true);
  assert.equal(aws.rules.requestsPerSecond, 50);
  assert.equal(google.rules.storeMaxBytes, 0);
  assert.equal(generic.rules.retrieveByInstance, false);
});
