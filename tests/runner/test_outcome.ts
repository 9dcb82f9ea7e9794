/**
 * The results of a `deno test` process. The exit code decides: a failed process counts as a failure
 * even if its output reports none, as after a crash.
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
 * Counts the tests of a process.
 *
 * @param output Without colours.
 * @returns At least one failure unless the process succeeded and reported its number of tests.
 */
export function countTests(output: string, success: boolean): Counts {
  // A test may print the summary of another process; the last one is that of this process.
  const summary = [...output.matchAll(SUMMARY)].at(-1);
  if (summary === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const [passed = 0, failed = 0, skipped = 0] = summary.slice(1).map((text) => Number(text ?? 0));
  return { passed, failed: success ? failed : Math.max(failed, 1), skipped };
}

export function sum(all: readonly Counts[]): Counts {
  return all.reduce((one, other) => ({
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  }), { passed: 0, failed: 0, skipped: 0 });
}

/** Finds the names of ignored tests, which contain the reason. */
export function skippedTests(output: string): string[] {
  return [...output.matchAll(/^(.+) \.\.\. ignored \(/gm)].map(([, name]) => name!);
}
