/**
 * Writes the reference of all profiles and their rules from the catalogue of rules.
 */
import { ruleKey } from "../../src/config/keys/store_profile.ts";
import {
  atDistance,
  distanceOf,
  farRules,
  PROFILE_NAMES,
  type ProfileName,
  profiles,
  type RuleId,
  type Rules,
} from "../../src/dicomweb/profile/profile.ts";
import { type Rule, ruleCatalogue } from "../../src/dicomweb/profile/rule_catalogue.ts";

const INTRODUCTION = `# Profiles of stores

<!-- Made by \`deno task docs\` from src/dicomweb/profile/profile.ts and rule_catalogue.ts. Change it there. -->

Stores and clients implement DICOMweb differently. A profile is a set of rules that normalize these differences for one kind of store. \`Profile\` of a server selects it; by default the store's host decides:

| Host of the store | Profile |
| --- | --- |
| \`*.dicom.azurehealthcareapis.com\` | \`azure\` |
| \`healthcare.googleapis.com\` | \`google\` |
| \`dicom-medical-imaging.*.amazonaws.com\`, \`dicom-medical-imaging-fips.*.amazonaws.com\` | \`aws\` |
| any other | \`generic\` |

\`orthanc\` and \`dcm4chee\` must be selected explicitly. \`Rules\` of a server overrides single rules:

\`\`\`json
{ "Profile": "azure", "Rules": { "DuplicateReasons": [], "StoreConcurrency": 2 } }
\`\`\`

Rules for clouds are based on the documents named as their source and were not tested against the clouds; the rules for Orthanc were tested. In place of the clouds there are servers written
from these documents that refuse what the documents do not allow. There, jobs of a real Orthanc store a
study, store it again, query 1,000 instances and get the study back byte for byte, with the profiles
\`azure\`, \`google\` and \`aws\`, and fail to without them. At a real Orthanc, with the profile \`orthanc\`,
dicomweb-client has all its calls answered and OHIF lists studies and shows CT slices.
`;

const DISTANCE = `## Distance

A connection carries no more than its window each round trip: over 40 ms often 10 MB/s, however fast the line. \`Distance: "far"\` of a server sets the rules below, which use several connections at once. It is the default for the profiles ${
  PROFILE_NAMES.filter((name) => distanceOf(name) === "far").map((name) => `\`${name}\``).join(", ")
}; all others are \`near\`. \`doctor\` measures the round trip and says when \`far\` would gain.
`;

export function profileReference(): string {
  const entries = Object.entries(ruleCatalogue) as [RuleId, Rule][];
  return [
    INTRODUCTION,
    DISTANCE,
    "| Rule | `far` |",
    "| --- | --- |",
    ...(Object.keys(farRules) as RuleId[]).map((id) =>
      `| ${linked(id)} | ${briefly(farRules[id]!)} |`
    ),
    "",
    "## All rules",
    "",
    `| Rule | ${PROFILE_NAMES.map((name) => `\`${name}\``).join(" | ")} |`,
    `| --- | ${PROFILE_NAMES.map(() => "---").join(" | ")} |`,
    ...entries.map(([id]) => {
      return `| ${linked(id)} | ${PROFILE_NAMES.map((name) => brief(name, id)).join(" | ")} |`;
    }),
    "",
    ...entries.map(([id, rule]) => chapter(id, rule)),
  ].join("\n");
}

function chapter(id: RuleId, rule: Rule): string {
  const lists = rule.kind === "mediaTypes"
    ? PROFILE_NAMES.filter((name) => profiles[name].rules[id].toString() !== "")
      .map((name) => `- \`${name}\`: ${typesOf(name, id)}`)
    : [];
  return [
    `## ${ruleKey(id)}`,
    "",
    `${rule.effect} (${kindOf(rule)})`,
    "",
    `${rule.reason}`,
    "",
    ...lists,
    ...(lists.length === 0 ? [] : [""]),
    `Source: ${rule.source}.`,
    "",
  ].join("\n");
}

function kindOf(rule: Rule): string {
  switch (rule.kind) {
    case "switch":
      return "`true` or `false`";
    case "number":
      return `whole number, ${rule.least} to ${rule.most}`;
    case "numbers":
      return `list of whole numbers, ${rule.least} to ${rule.most}`;
    case "mediaTypes":
      return "list of media types; empty: not known, and the rule off";
  }
}

function typesOf(name: ProfileName, id: RuleId): string {
  return (profiles[name].rules[id] as readonly string[]).map((type) => `\`${type}\``).join(", ");
}

function linked(id: RuleId): string {
  return `[\`${ruleKey(id)}\`](#${ruleKey(id).toLowerCase()})`;
}

/** A value in the table: a switch as a word, a list by its length. */
function brief(name: ProfileName, id: RuleId): string {
  return briefly(atDistance(profiles[name], distanceOf(name)).rules[id]);
}

function briefly(value: Rules[RuleId]): string {
  if (typeof value === "boolean") return value ? "yes" : "";
  if (typeof value === "number") return value === 0 ? "" : String(value);
  if (value.length === 0) return "";
  return typeof value[0] === "number" ? value.join(", ") : `${value.length} listed`;
}
