/**
 * `Profile` and `Rules` of a server: the type of store, and overridden rules of its profile. The keys
 * of `Rules` derive from the rule catalogue.
 */
import { z } from "zod";
import { parseMediaType } from "../../dicomweb/media_type/media_type.ts";
import {
  atDistance,
  type Distance,
  distanceOf,
  DISTANCES,
  farRules,
  type Profile,
  PROFILE_NAMES,
  type ProfileName,
  profileNameOf,
  profiles,
  type RuleId,
  type Rules,
  withRules,
} from "../../dicomweb/profile/profile.ts";
import { type Rule, ruleCatalogue } from "../../dicomweb/profile/rule_catalogue.ts";
import { keysOf } from "../values/keys_of.ts";
import { flag, whole } from "../values/value_schemas.ts";

export const profileName: z.ZodOptional<z.ZodType<ProfileName>> = z.enum(PROFILE_NAMES).optional();

export const distance: z.ZodOptional<z.ZodType<Distance>> = z.enum(DISTANCES).optional();

export const rules: z.ZodPipe<z.ZodObject, z.ZodTransform<Partial<Rules>>> = keysOf(
  Object.fromEntries(
    Object.entries(ruleCatalogue).map(([id, rule]) => [
      ruleKey(id as RuleId),
      valueSchema(rule).optional().describe(rule.effect),
    ]),
  ),
).transform((keys) =>
  Object.fromEntries(
    Object.keys(ruleCatalogue).map((id) => [id, keys[ruleKey(id as RuleId)]])
      .filter(([, value]) => value !== undefined),
  ) as Partial<Rules>
);

/** The key of a rule in the configuration: `SearchPageSize` of `searchPageSize`. */
export function ruleKey(id: RuleId): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}

/**
 * The profile of a server: the configured one, else that of the host of its URL, with the rules of the
 * distance.
 */
export function profileOf(
  url: string,
  { Profile: named, Distance: distance, Rules: overrides = {} }: {
    readonly Profile?: ProfileName | undefined;
    readonly Distance?: Distance | undefined;
    readonly Rules?: Partial<Rules> | undefined;
  },
): Profile {
  const name = named ?? profileNameOf(new URL(url).hostname);
  return withRules(atDistance(profiles[name], distance ?? distanceOf(name)), overrides);
}

/** The rules that the distance sets, by their keys, with the values in force. */
export function distanceRules(
  { distance, rules }: Profile,
): Readonly<Record<string, Rules[RuleId]>> {
  if (distance === "near") return {};
  return Object.fromEntries(
    (Object.keys(farRules) as RuleId[]).map((id) => [ruleKey(id), rules[id]]),
  );
}

function valueSchema(rule: Rule): z.ZodType {
  switch (rule.kind) {
    case "switch":
      return flag();
    case "number":
      return whole(rule.least, rule.most);
    case "numbers":
      return z.array(whole(rule.least, rule.most));
    case "mediaTypes":
      return z.array(
        z.string().refine(
          (text) => parseMediaType(text) !== undefined,
          'must be a media type, such as "application/dicom+json"',
        ),
      );
  }
}
