/**
 * Turns what zod found into problems. Where two rules complain of the same key, the first is the cause
 * and the second its consequence: it is left out.
 *
 * @module
 */
import type { z } from "zod";
import { byKey } from "./complaint.ts";
import { type ConfigCode, type ConfigProblem, keyPath } from "./config_error.ts";

/** The problems, one a key, in the order they were found; `raw` is what was parsed, at `path`. */
export function problemsIn(
  issues: readonly z.core.$ZodIssue[],
  { raw, path, before = [] }: {
    readonly raw: unknown;
    readonly path: readonly PropertyKey[];
    readonly before?: readonly ConfigProblem[];
  },
): readonly ConfigProblem[] {
  const found = issues.flatMap((issue) => specific(issue, raw)).flatMap(byKey).map(
    (issue): ConfigProblem => {
      const given = issue.code === "custom" ? issue.params?.["code"] as ConfigCode : undefined;
      const code = given ?? (valueAt(raw, issue.path) === undefined ? "CFG-001" : "CFG-002");
      return { code, path: keyPath([...path, ...issue.path]), message: issue.message };
    },
  );
  const problems = new Map<string, ConfigProblem>();
  for (const problem of [...before, ...found]) {
    if (!problems.has(problem.path)) problems.set(problem.path, problem);
  }
  return [...problems.values()];
}

/** Of a union whose one member fits the kind of the value, what is wrong with the value for this one. */
function specific(issue: z.core.$ZodIssue, raw: unknown): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const kind = typeof valueAt(raw, issue.path);
  const [own, other] = issue.errors.filter((issues) =>
    !issues.some((inner) =>
      inner.path.length === 0 && (inner.code === "invalid_type" ||
        inner.code === "invalid_value" && inner.values.every((value) => typeof value !== kind))
    )
  );
  // Where several fit, the union's own words say what all of them allow.
  if (other !== undefined) return [issue];
  return own?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as never)[key]
        : undefined,
    raw,
  );
}
