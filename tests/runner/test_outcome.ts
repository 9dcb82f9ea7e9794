/**
 * What a process of `deno test` reported. It is the exit code that decides: a process that failed
 * counts as a failure also where its output says nothing of one, as after a crash.
 *
 * @module
 */

/** Numbers of tests. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/gm;

/**
 * Counts the tests of a process that ended.
 *
 * @param output What it wrote, without colours.
 * @param success Whether its exit code was 0.
 * @returns The counts; at least one failure unless it succeeded and says how many tests there were.
 */
export function countTests(output: string, success: boolean): Counts {
  // A test may print the summary of a process of its own; the last one is that of this process.
  const summary = [...output.matchAll(SUMMARY)].at(-1);
  if (summary === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const [passed = 0, failed = 0, skipped = 0] = summary.slice(1).map((text) => Number(text ?? 0));
  return { passed, failed: success ? failed : Math.max(failed, 1), skipped };
}

/** Adds counts up. */
export function sum(all: readonly Counts[]): Counts {
  return all.reduce((one, other) => ({
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  }), { passed: 0, failed: 0, skipped: 0 });
}

/** Finds the names of the tests that did not run, which say why. */
export function skippedTests(output: string): string[] {
  return [...output.matchAll(/^(.+) \.\.\. ignored \(/gm)].map(([, name]) => name!);
}
