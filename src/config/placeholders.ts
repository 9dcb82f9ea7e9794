/**
 * Finds values that someone copied from documentation and did not replace. Only what no real value looks
 * like counts: names such as `your-server.de` exist, and secrets contain anything.
 */
import { keyPath } from "./values/config_error.ts";
import { isObject } from "./values/keys_of.ts";
import { SECTION } from "./values/section.ts";

type Path = readonly (string | number)[];

/** Keys whose values are those of a site. Names of users, subjects and roles are free. */
const PARTS: readonly string[] = ["Servers", "Authentication", "TokenCache", "Proxy", "PublicUrl"];
const SECRET_KEY = /(?:Secret|Password|Token|Key|Keys|Hash|Users|Headers)$/;
/** Longer values are keys, certificates and JSON files. */
const MAX_LENGTH = 300;

/** After "your": with another word it may be a name. */
const NOUNS: ReadonlySet<string> = new Set(
  ("account api app application audience azure aws bucket client clinic company credential " +
    "credentials dataset datastore dicom dicomweb directory domain endpoint fhir gcp google here " +
    "hospital host hostname id idp issuer key keycloak location name okta org organization pacs " +
    "password project realm region resource scope secret server service store subscription tenant " +
    "token uri url user username value workspace").split(" "),
);
/** Exists, at a hoster, with the name of a customer in front. */
const REAL = "your-server";

/** Parts of a value, with their whole text. */
const WHOLE_PARTS: readonly RegExp[] = [
  /^(?:change|replace|fill)[-_]?(?:me|this)$/i,
  /^(?:insert|enter|paste|replace)(?:[-_][a-z]+)*[-_](?:here|id|secret|name|value)$/i,
  /^(?:TENANT|CLIENT|PROJECT|APP|APPLICATION|DATASET|STORE|ACCOUNT|DATASTORE)[-_](?:ID|NAME|SECRET)$/,
  /^x{4,}(?:-x{4,})*$/i,
  /^0{8}-0{4}-0{4}-0{4}-0{12}$/,
];
/** Brackets around a word, anywhere but in a secret. */
const BRACKETS = /<[a-z][\w .-]*>|\{[a-z][\w .-]*\}/i;

/**
 * Warnings about placeholders.
 *
 * @param section As written, with variables replaced.
 */
export function placeholderWarnings(section: unknown): string[] {
  if (!isObject(section)) return [];
  return PARTS.flatMap((part) => [...placeholdersIn(section[part], [part])]);
}

function* placeholdersIn(value: unknown, path: Path): Generator<string> {
  if (typeof value === "string") {
    const isSecret = path.some((key) => typeof key === "string" && SECRET_KEY.test(key));
    const found = value.length <= MAX_LENGTH ? placeholderOf(value, isSecret) : undefined;
    if (found === undefined) return;
    // A secret is not repeated, even where it is none.
    const named = isSecret ? "is a placeholder" : `contains the placeholder ${found}`;
    yield `${SECTION}.${keyPath(path)}: ${named}; replace it by the value of your own`;
  } else if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) yield* placeholdersIn(each, [...path, index]);
  } else if (isObject(value)) {
    for (const [key, each] of Object.entries(value)) yield* placeholdersIn(each, [...path, key]);
  }
}

/**
 * The placeholder in a value.
 *
 * @example
 * ```ts
 * import { placeholderOf } from "./placeholders.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(placeholderOf("https://your-workspace.example/v2", false), "your-workspace");
 * assert.equal(placeholderOf("https://archive.your-server.de/v2", false), undefined);
 * ```
 */
export function placeholderOf(value: string, isSecret: boolean): string | undefined {
  const text = value.trim();
  const parts = isSecret ? [text.replace(/^<(.*)>$/s, "$1")] : text.split(/[\s/:.,@?&=]+/);
  return parts.find(isPlaceholder) ?? (isSecret ? undefined : BRACKETS.exec(text)?.[0]);
}

function isPlaceholder(part: string): boolean {
  if (WHOLE_PARTS.some((pattern) => pattern.test(part))) return true;
  const [first, ...nouns] = part.toLowerCase().split(/[-_ ]/);
  return first === "your" && nouns.length > 0 && nouns.every((noun) => NOUNS.has(noun)) &&
    part.toLowerCase() !== REAL;
}
