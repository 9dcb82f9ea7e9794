/**
 * Objects of the configuration with rules between their keys. A rule is a function of the parsed
 * values; if it reads a key that is wrong itself, it is skipped, so that one mistake is reported once
 * while all other rules still run.
 *
 * @module
 */
import { z } from "zod";
import type { ConfigCode, KeyPath } from "./config_error.ts";

/**
 * Reports a problem with a key or a path below the object. Without a code it is CFG-001 if nothing is
 * written there and CFG-002 otherwise.
 */
export type Complain = (at: string | KeyPath, message: string, code?: ConfigCode) => void;

/** A rule between the keys of an object. */
export type Rule<Keys> = (keys: Keys, complain: Complain) => void;

/** Thrown on reading a key that is wrong; ends the rule. */
const WRONG_KEY = Symbol("wrong key");

/** An object of exactly these keys, which obeys these rules. */
export function keysOf<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  ...rules: Rule<z.output<z.ZodObject<Shape, z.core.$strict>>>[]
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape).check(...rules.map((rule) => checkOf(rule as Rule<never>)));
}

/** The same rules for another object, list or record. */
export function withRule<Schema extends z.ZodType>(
  schema: Schema,
  rule: Rule<z.output<Schema>>,
): Schema {
  return schema.check(checkOf(rule as Rule<never>)) as Schema;
}

/** What rules have complained of so far: a key is wrong by itself only if something else has. */
const complaints = new WeakMap<z.core.ParsePayload, Set<z.core.$ZodRawIssue>>();

/**
 * A record whose items are parsed one after the other, so that values and problems keep the order of the
 * file, which zod's own record loses when it waits for files.
 */
const OrderedRecord: z.core.$constructor<z.ZodRecord> = z.core.$constructor(
  "OrderedRecord",
  (record, def) => {
    z.ZodRecord.init(record, def);
    record._zod.parse = async (payload, context) => {
      const { value: written, issues } = payload;
      if (typeof written !== "object" || written === null || Array.isArray(written)) {
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

/** An object with any keys whose values are of one kind. */
export function recordOf<Item extends z.ZodType>(item: Item): z.ZodRecord<z.ZodString, Item> {
  const def = { type: "record", keyType: z.string(), valueType: item } as const;
  return new OrderedRecord(def) as z.ZodRecord<z.ZodString, Item>;
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
      const issue: z.core.$ZodRawIssue = {
        code: "custom",
        path,
        message,
        input: value,
        params: { code },
      };
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
