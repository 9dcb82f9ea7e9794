/**
 * The messages of what zod finds: sentences that name the nearest known key or value and never quote a
 * value of the configuration.
 */
import type { z } from "zod";
import { nearestName } from "./nearest_name.ts";

/** Explains an unknown key, if something is known about it. */
type UnknownKey = (key: string) => string | undefined;

/** Joins the messages about several unknown keys of one object, in the order of the keys. */
const KEY_SEPARATOR = "\n";

export const MISSING = "is missing";

/** The message of an issue; `unknown` explains keys of the object that is parsed itself. */
export function complaint(
  issue: z.core.$ZodRawIssue,
  unknown: UnknownKey = () => undefined,
): string {
  if (issue.code === "unrecognized_keys") {
    const known = shapeOf(issue.inst as z.core.$ZodType | undefined);
    const isOuter = issue.path === undefined || issue.path.length === 0;
    return issue.keys.map((key) => unknownKey(key, known, isOuter ? unknown : () => undefined))
      .join(KEY_SEPARATOR);
  }
  if (issue.input === undefined) return MISSING;
  switch (issue.code) {
    case "invalid_type":
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return notOneOf(issue.input, issue.values);
    case "too_small":
      return issue.origin === "string" || issue.origin === "array"
        ? "must not be empty"
        : `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return "is not valid";
  }
}

/** A schema's own message for wrong values; for missing ones that of {@linkcode complaint}. */
export function ifGiven(message: string): (issue: z.core.$ZodRawIssue) => string | undefined {
  return ({ input }) => input === undefined ? undefined : message;
}

/** Splits an issue about unknown keys into one per key: as one it would not end the parse in zod. */
export function byKey(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "unrecognized_keys") return [issue];
  const messages = issue.message.split(KEY_SEPARATOR);
  return issue.keys.map((key, index) => ({
    code: "custom",
    path: [...issue.path, key],
    message: messages[index] ?? "",
    params: { code: "CFG-002" },
  }));
}

/** The message about a value that is not allowed; names the nearest allowed one. */
export function notOneOf(value: unknown, allowed: readonly unknown[]): string {
  const list = `must be one of ${allowed.map((one) => JSON.stringify(one)).join(", ")}`;
  const nearest = typeof value === "string"
    ? nearestName(value, allowed.filter((one) => typeof one === "string"))
    : undefined;
  return nearest === undefined ? list : `${list}; the nearest is ${JSON.stringify(nearest)}`;
}

function unknownKey(key: string, known: readonly string[], unknown: UnknownKey): string {
  const nearest = nearestName(key, known);
  if (nearest !== undefined) return `unknown key; the nearest known one is ${nearest}`;
  return unknown(key) ?? "unknown key; the configuration reference lists the known ones";
}

function shapeOf(schema: z.core.$ZodType | undefined): string[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === "object" ? Object.keys(def.shape) : [];
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
};
