/**
 * Objects of the configuration with rules between their keys. A rule that reads a key with a problem
 * of its own is skipped, so that each mistake is reported once while all other rules still run.
 */
import { z } from "zod";
import type { ConfigCode, KeyPath } from "./config_error.ts";

/**
 * Reports a problem with a key or a path below the object. The default code is CFG-001 for a missing
 * value and CFG-002 for others.
 */
export type Complain = (at: string | KeyPath, message: string, code?: ConfigCode) => void;

export type Rule<Keys> = (keys: Keys, complain: Complain) => void;

/** Thrown when a rule reads a wrong key; ends the rule. */
const WRONG_KEY = Symbol("wrong key");

/** An object of exactly these keys, with rules between them. */
export function keysOf<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  ...rules: Rule<z.output<z.ZodObject<Shape, z.core.$strict>>>[]
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape).check(...rules.map((rule) => checkOf(rule as Rule<never>)));
}

export function withRule<Schema extends z.ZodType>(
  schema: Schema,
  rule: Rule<z.output<Schema>>,
): Schema {
  return schema.check(checkOf(rule as Rule<never>)) as Schema;
}

/** The issues that rules have reported so far; they do not make a key wrong by itself. */
const complaints = new WeakMap<z.core.ParsePayload, Set<z.core.$ZodRawIssue>>();

/**
 * A record whose items are parsed in sequence, so that values and problems keep the order of the file.
 * zod's own record loses it when it waits for files.
 */
const OrderedRecord: z.core.$constructor<z.ZodRecord> = z.core.$constructor(
  "OrderedRecord",
  (record, def) => {
    z.ZodRecord.init(record, def);
    record._zod.parse = async (payload, context) => {
      const { value: written, issues } = payload;
      if (!isObject(written)) {
        issues.push({ code: "invalid_type", expected: "record", input: written, inst: record });
        return payload;
      }
      const parsed: Record<string, unknown> = {};
      for (const [name, value] of Object.entries(written)) {
        const result = await def.valueType._zod.run({ value, issues: [] }, context);
        issues.push(...z.core.util.prefixIssues(name, result.issues));
        // Assignment would lose a key that is called __proto__.
        Object.defineProperty(parsed, name, { value: result.value, enumerable: true });
      }
      payload.value = parsed;
      return payload;
    };
  },
);

/** Names that are used in paths, metrics, logs and subjects. */
export const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** An object whose keys are names of this form and whose values are of one kind. */
export function recordOf<Item extends z.ZodType>(
  item: Item,
  { names: form, misnamed, empty }: {
    readonly names: RegExp;
    /** The message about a name of another form. */
    readonly misnamed: string;
    /** The message about an object without names; `undefined`: it may be empty. */
    readonly empty?: string;
  },
): z.ZodRecord<z.ZodString, Item> {
  const def = { type: "record", keyType: z.string(), valueType: item } as const;
  const record = new OrderedRecord(def) as z.ZodRecord<z.ZodString, Item>;
  return withRule(record, (items, complain) => {
    const names = Object.keys(items);
    if (names.length === 0 && empty !== undefined) complain([], empty, "CFG-001");
    for (const name of names.filter((name) => !form.test(name))) complain(name, misnamed);
  });
}

/** Whether a value is an object rather than a list, a text, a number or `null`. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOfWrongKind({ code, path }: z.core.$ZodRawIssue): boolean {
  return code === "invalid_type" && (path === undefined || path.length === 0);
}

// deno-lint-ignore no-explicit-any -- zod has no other type for a check of any value
function checkOf(rule: Rule<never>): z.core.$ZodCheck<any> {
  // Runs also beside issues: `when` would have to name the keys that the rule reads.
  const check = new z.core.$ZodCheck({ check: "custom", when: () => true } as never);
  check._zod.check = (payload: z.core.ParsePayload) => {
    const { value, issues } = payload;
    if (typeof value !== "object" || value === null) return;
    // A list in the place of an object, or the reverse: it has none of the keys that rules read.
    if (issues.some(isOfWrongKind)) return;
    if (!complaints.has(payload)) complaints.set(payload, new Set());
    const ofRules = complaints.get(payload)!;
    const wrong = new Set(
      issues.filter((issue) => !ofRules.has(issue)).map(({ path }) => path?.[0]),
    );
    const complain: Complain = (at, message, code) => {
      const path: PropertyKey[] = [at].flat();
      // What an object as a whole lacks may be what a misspelt key was meant to be.
      if (path.length === 0 && issues.some(({ code }) => code === "unrecognized_keys")) return;
      const issue = { code: "custom" as const, path, message, input: value, params: { code } };
      ofRules.add(issue);
      issues.push(issue);
    };
    const readable = new Proxy(value, {
      get: (target, key) => {
        if (wrong.has(Array.isArray(target) && typeof key === "string" ? Number(key) : key)) {
          throw WRONG_KEY;
        }
        return Reflect.get(target, key);
      },
    });
    try {
      rule(readable as never, complain);
    } catch (thrown) {
      if (thrown !== WRONG_KEY) throw thrown;
    }
  };
  return check;
}
