/**
 * `Profile` and `Rules` of a server: what kind of store it is, and which rules of its profile are
 * set otherwise. The keys of `Rules` are made from the catalogue of rules, so none can be missing.
 *
 * @module
 */
import { z } from "zod";
import { parseMediaType } from "../dicomweb/media_type.ts";
import {
  type Profile,
  PROFILE_NAMES,
  type ProfileName,
  profileNameOf,
  profiles,
  type RuleId,
  type Rules,
  withRules,
} from "../dicomweb/profile.ts";
import { type Rule, ruleCatalogue } from "../dicomweb/rule_catalogue.ts";
import { flag, whole } from "./value_schemas.ts";

/** The key `Profile`. */
export const profileSchema: z.ZodOptional<z.ZodType<ProfileName>> = z.enum(PROFILE_NAMES)
  .optional();

/** The keys of `Rules`. */
export const rulesSchema: z.ZodObject = z.strictObject(Object.fromEntries(
  Object.entries(ruleCatalogue).map(([id, rule]) => [
    ruleKey(id as RuleId),
    valueSchema(rule).optional().describe(rule.effect),
  ]),
)).meta({ id: "Rules" });

/**
 * The key of a rule in the configuration.
 *
 * @param id The rule.
 * @returns Its name with a capital letter, as all keys have.
 *
 * @example
 * ```ts
 * import { ruleKey } from "./store_profile.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(ruleKey("searchPageSize"), "SearchPageSize");
 * ```
 */
export function ruleKey(id: RuleId): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}

/**
 * Makes the profile of a server.
 *
 * @param url The store's base URL.
 * @param name The profile that was chosen; where none was, the store's host decides.
 * @param keys The keys of `Rules`, checked; nothing where there are none.
 * @returns The profile.
 */
export function buildProfile(
  url: string,
  name: ProfileName | undefined,
  keys: z.output<typeof rulesSchema> | undefined,
): Profile {
  const base = profiles[name ?? profileNameOf(new URL(url).hostname)];
  if (keys === undefined) return base;
  const overrides = Object.keys(ruleCatalogue)
    .map((id) => [id, keys[ruleKey(id as RuleId)]])
    .filter(([, value]) => value !== undefined);
  return withRules(base, Object.fromEntries(overrides) as Partial<Rules>);
}

function valueSchema(rule: Rule): z.ZodType {
  switch (rule.kind) {
    case "switch":
      return flag();
    case "number":
      return whole(rule.least, rule.most);
    case "numbers":
      return z.array(whole(0, 65_535));
    case "mediaTypes":
      return z.array(
        z.string().refine(
          (text) => parseMediaType(text) !== undefined,
          'must be a media type, such as "application/dicom+json"',
        ),
      );
  }
}
