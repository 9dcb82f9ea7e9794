/**
 * Turns the issues of zod into problems. Of two about the same key, the second is a consequence of the
 * first and is left out.
 */
import type { z } from "zod";
import { byKey } from "./complaint.ts";
import { type ConfigCode, type ConfigProblem, keyPath } from "./config_error.ts";

/** The problems, one per key, in the order found; `raw` is the value that was parsed, at `path`. */
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

/** Of a union of which one member fits the type of the value, the issues of that member. */
function specific(issue: z.core.$ZodIssue, raw: unknown): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union") return [issue];
  const kind = typeof valueAt(raw, issue.path);
  const [own, other] = issue.errors.filter((issues) =>
    !issues.some((inner) =>
      inner.path.length === 0 && (inner.code === "invalid_type" ||
        inner.code === "invalid_value" && inner.values.every((value) => typeof value !== kind))
    )
  );
  // If several fit, the message of the union says what all of them allow.
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
