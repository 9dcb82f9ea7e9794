/**
 * Turns what zod found into problems for people: missing keys apart from wrong ones, unknown keys
 * with the nearest known one, and never a value.
 *
 * @module
 */
import type { z } from "zod";
import type { KeyPath } from "./config_error.ts";
import { nearestName } from "./nearest_name.ts";
import type { ProblemReport } from "./problem_report.ts";

/** Where the object that was checked stands. */
export interface IssueContext {
  /** The schema it was checked against. */
  readonly schema: z.ZodType;
  /** The object itself. */
  readonly raw: unknown;
  /** Its key. */
  readonly path: KeyPath;
  readonly report: ProblemReport;
  /** Who needs a key that is missing at the top of the object. */
  readonly needs?: (key: string) => string;
  /** What to say of an unknown key at the top of the object, where more is known than its name. */
  readonly unknown?: (key: string) => string | undefined;
}

/**
 * Reports every issue of a failed check.
 *
 * @param error What zod found.
 * @param context Where.
 */
export function reportIssues(error: z.ZodError, context: IssueContext): void {
  const { report, path, raw } = context;
  for (const issue of error.issues) {
    const at = [...path, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        report.add("CFG-002", [...at, key], unknownKey(key, issue.path, context));
      }
    } else if (valueAt(raw, issue.path) === undefined) {
      report.add("CFG-001", at, missingKey(issue.path, context));
    } else {
      report.add("CFG-002", at, complaint(issue, valueAt(raw, issue.path)));
    }
  }
}

/**
 * What to say of a value that is none of those allowed.
 *
 * @param value The value.
 * @param allowed Those allowed.
 * @returns The complaint, naming the nearest one that is allowed.
 */
export function notOneOf(value: unknown, allowed: readonly unknown[]): string {
  const list = `must be one of ${allowed.map((one) => JSON.stringify(one)).join(", ")}`;
  const nearest = typeof value === "string"
    ? nearestName(value, allowed.filter((one) => typeof one === "string"))
    : undefined;
  return nearest === undefined ? list : `${list}; the nearest is ${JSON.stringify(nearest)}`;
}

/**
 * What is left of a schema once optional, default and preprocessing are taken off.
 *
 * @param schema Any schema.
 * @returns The schema of the value itself.
 */
export function innermost(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if ("innerType" in def) return innermost(def.innerType);
  return def.type === "pipe" ? innermost(def.out) : schema;
}

function missingKey(path: KeyPath, context: IssueContext): string {
  const key = String(path.at(-1));
  return path.length === 1 && context.needs ? context.needs(key) : "is missing";
}

function unknownKey(key: string, path: KeyPath, context: IssueContext): string {
  const nearest = nearestName(key, keysAt(context.schema, path));
  if (nearest !== undefined) return `unknown key; the nearest known one is ${nearest}`;
  return (path.length === 0 ? context.unknown?.(key) : undefined) ??
    "unknown key; the configuration reference lists the known ones";
}

function keysAt(schema: z.core.$ZodType, path: KeyPath): string[] {
  const { def } = (innermost(schema) as z.core.$ZodTypes)._zod;
  const [step, ...rest] = path;
  if (def.type === "record" && step !== undefined) return keysAt(def.valueType, rest);
  if (def.type !== "object") return [];
  if (step === undefined) return Object.keys(def.shape);
  const inner = Object.hasOwn(def.shape, step) ? def.shape[String(step)] : undefined;
  return inner === undefined ? [] : keysAt(inner, rest);
}

function valueAt(raw: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) => typeof value === "object" && value !== null ? (value as never)[key] : undefined,
    raw,
  );
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

function complaint(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return notOneOf(value, issue.values);
    case "too_small":
      return issue.origin === "string" || issue.origin === "array"
        ? "must not be empty"
        : `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}
