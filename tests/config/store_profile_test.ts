import assert from "node:assert/strict";
import { ruleKey, rules as rulesSchema } from "../../src/config/keys/store_profile.ts";
import {
  atDistance,
  type Distance,
  distanceOf,
  farRules,
  type Profile,
  PROFILE_NAMES,
  type ProfileName,
  profiles,
  type RuleId,
} from "../../src/dicomweb/profile/profile.ts";
import { ruleCatalogue } from "../../src/dicomweb/profile/rule_catalogue.ts";
import { parseSection, serverProblems } from "./memory_files.ts";

async function profileWith(keys: Readonly<Record<string, unknown>>): Promise<Profile> {
  const server = { Url: "https://store.example", ProviderType: "none", ...keys };
  return (await parseSection({ Servers: { main: server } })).servers.get("main")!.profile;
}

function byDefault(name: ProfileName): Profile {
  return atDistance(profiles[name], distanceOf(name));
}

/** Hosts and their profiles: that of a cloud only for the cloud's own hosts. */
const HOSTS: readonly (readonly [url: string, name: ProfileName])[] = [
  ["https://ws-svc.dicom.azurehealthcareapis.com/v2", "azure"],
  ["https://WS-SVC.DICOM.AzureHealthcareAPIs.com/v2/partitions/a", "azure"],
  ["https://dicom.azurehealthcareapis.com/v2", "generic"],
  ["https://ws-svc.dicom.azurehealthcareapis.com.example/v2", "generic"],
  ["https://azure.example/ws.dicom.azurehealthcareapis.com", "generic"],
  ["https://ws-svc.fhir.azurehealthcareapis.com", "generic"],
  [
    "https://healthcare.googleapis.com/v1/projects/p/locations/l/datasets/d/dicomStores/s/dicomWeb",
    "google",
  ],
  ["https://my.healthcare.googleapis.com/v1", "generic"],
  ["https://healthcare.googleapis.com.example/v1", "generic"],
  ["https://dicom-medical-imaging.us-east-1.amazonaws.com/datastore/d9a2", "aws"],
  ["https://dicom-medical-imaging-fips.us-west-2.amazonaws.com/datastore/d9a2", "aws"],
  ["https://dicom-medical-imaging-other.us-west-2.amazonaws.com/datastore/d9a2", "generic"],
  ["https://dicom-medical-imaging.example.com/datastore/d9a2", "generic"],
  ["https://dicom-medical-imaging.a.b.amazonaws.com/", "generic"],
  ["https://x.dicom-medical-imaging.us-east-1.amazonaws.com/", "generic"],
  ["https://s3.us-east-1.amazonaws.com/", "generic"],
  ["http://127.0.0.1:8042/dicom-web/", "generic"],
];

for (const [url, name] of HOSTS) {
  Deno.test(`A store at ${url} has the profile ${name} by default`, async () => {
    assert.deepEqual(await profileWith({ Url: url }), byDefault(name));
  });
}

for (const name of PROFILE_NAMES) {
  Deno.test(`Profile ${name} can be chosen for any host`, async () => {
    const url = "https://ws-svc.dicom.azurehealthcareapis.com/v2";
    assert.deepEqual(await profileWith({ Url: url, Profile: name }), byDefault(name));
  });
}

for (
  const [name, distance, expected] of [
    ["azure", undefined, "far"],
    ["google", undefined, "far"],
    ["aws", undefined, "far"],
    ["generic", undefined, "near"],
    ["orthanc", undefined, "near"],
    ["dcm4chee", undefined, "near"],
    ["azure", "near", "near"],
    ["generic", "far", "far"],
  ] as const satisfies readonly [ProfileName, Distance | undefined, Distance][]
) {
  Deno.test(`Profile ${name} with Distance ${distance ?? "not set"} is ${expected}`, async () => {
    const keys = { Profile: name, ...(distance && { Distance: distance }) };
    const { distance: actual, rules } = await profileWith(keys);
    assert.equal(actual, expected);
    const rulesOfDistance = { ...profiles[name].rules, ...(expected === "far" && farRules) };
    assert.deepEqual(rules, rulesOfDistance);
  });
}

Deno.test("Rules override those of the distance", async () => {
  const keys = { Distance: "far", Rules: { StoreBatchBytes: 0 } };
  const { distance, rules } = await profileWith(keys);
  assert.equal(distance, "far");
  assert.deepEqual([rules.storeBatchBytes, rules.storeConcurrency], [0, 8]);
});

Deno.test("Rules override single rules without changing the profile", async () => {
  const { name, rules } = await profileWith({
    Profile: "azure",
    Rules: {
      DuplicateReasons: [],
      StoreMaxBytes: "2000000",
      RewriteUrls: "false",
      SearchTypes: ["application/dicom+json"],
    },
  });
  assert.equal(name, "azure");
  assert.deepEqual(rules, {
    ...byDefault("azure").rules,
    duplicateReasons: [],
    storeMaxBytes: 2_000_000,
    rewriteUrls: false,
    searchTypes: ["application/dicom+json"],
  });
  assert.deepEqual(profiles.azure.rules.duplicateReasons, [45070]);
  assert.equal(Object.isFrozen(rules) && Object.isFrozen(rules.searchTypes), true);
});

Deno.test("Every rule of the catalogue can be configured", async () => {
  const other = (id: RuleId): unknown => {
    const rule = ruleCatalogue[id];
    switch (rule.kind) {
      case "switch":
        return !profiles.google.rules[id];
      case "number":
        return 7;
      case "numbers":
        return [rule.least, rule.least + 1];
      case "mediaTypes":
        return ["a/b"];
    }
  };
  const ids = Object.keys(ruleCatalogue) as RuleId[];
  const Rules = Object.fromEntries(ids.map((id) => [ruleKey(id), other(id)]));
  const { rules } = await profileWith({ Profile: "google", Rules });
  for (const id of ids) assert.deepEqual(rules[id], other(id), id);
  assert.deepEqual(Object.keys(rulesSchema.in.shape).sort(), ids.map(ruleKey).sort());
});

const WRONG: readonly (readonly [keys: Record<string, unknown>, problem: string])[] = [
  [
    { Profile: "Azure" },
    'CFG-002 Profile: must be one of "generic", "azure", "google", "aws", "orthanc", "dcm4chee"; ' +
    'the nearest is "azure"',
  ],
  [
    { Rules: { SearchPagesize: 1 } },
    "CFG-002 Rules.SearchPagesize: unknown key; the nearest known one is SearchPageSize",
  ],
  [
    { Rules: { searchPageSize: 1 } },
    "CFG-002 Rules.searchPageSize: unknown key; the nearest known one is SearchPageSize",
  ],
  [{ Rules: { RewriteUrls: 1 } }, "CFG-002 Rules.RewriteUrls: must be true or false"],
  [{ Rules: { StoreConcurrency: 0 } }, "CFG-002 Rules.StoreConcurrency: must be at least 1"],
  [{ Rules: { StoreConcurrency: 65 } }, "CFG-002 Rules.StoreConcurrency: must be at most 64"],
  [{ Rules: { StoreMaxBytes: 1.5 } }, "CFG-002 Rules.StoreMaxBytes: must be a whole number"],
  [{ Rules: { DuplicateReasons: 45070 } }, "CFG-002 Rules.DuplicateReasons: must be a list"],
  [
    { Rules: { DuplicateReasons: [70_000] } },
    "CFG-002 Rules.DuplicateReasons[0]: must be at most 65535",
  ],
  [
    { Rules: { AskStoredAfter: [200] } },
    "CFG-002 Rules.AskStoredAfter[0]: must be at least 400",
  ],
  [
    { Rules: { FrameTypes: ["image"] } },
    'CFG-002 Rules.FrameTypes[0]: must be a media type, such as "application/dicom+json"',
  ],
  [{ Rules: [] }, "CFG-002 Rules: must be an object"],
];

for (const [keys, problem] of WRONG) {
  Deno.test(`${JSON.stringify(keys)} is refused: ${problem}`, async () => {
    const server = { Url: "https://store.example", ProviderType: "none", ...keys };
    assert.deepEqual(await serverProblems(server), [problem]);
  });
}
