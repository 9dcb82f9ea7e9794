import assert from "node:assert/strict";
import { type Job, report, runJobs } from "./run_tests.ts";
import { findTestFiles } from "./test_files.ts";
import { countTests } from "./test_outcome.ts";

const OUTPUTS: Record<string, [output: string, success: boolean, counts: number[]]> = {
  "all pass": ["ok | 12 passed | 0 failed (3s)\n", true, [12, 0, 0]],
  "steps and ignored ones": ["ok | 1 passed (5 steps) | 0 failed | 2 ignored (3s)\n", true, [
    1,
    0,
    2,
  ]],
  "failures": ["FAILED | 3 passed | 2 failed (1 step) (3s)\n", false, [3, 2, 0]],
  "a failure outside any test": ["ok | 3 passed | 0 failed (1s)\n\nerror: oh\n", false, [3, 1, 0]],
  "a crash": ["running 3 tests from ./a_test.ts\n", false, [0, 1, 0]],
  "success without a word": ["", true, [0, 1, 0]],
  "a summary within the output of a test": [
    "ok | 9 passed | 0 failed (1s)\nFAILED | 1 passed | 1 failed (1s)\n",
    false,
    [1, 1, 0],
  ],
};

for (const [name, [output, success, counts]] of Object.entries(OUTPUTS)) {
  Deno.test(`countTests: ${name}`, () => {
    const { passed, failed, skipped } = countTests(output, success);
    assert.deepEqual([passed, failed, skipped], counts);
  });
}

/** Writes test files and runs them. */
async function runFiles(files: Record<string, string>) {
  const directory = await Deno.makeTempDir();
  const jobs: Job[] = [];
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
    jobs.push({ folder: "folder", name, args: ["--no-check", `${directory}/${name}`] });
  }
  const lines: string[] = [];
  const results = await runJobs(jobs, 2, (line) => lines.push(line));
  await Deno.remove(directory, { recursive: true });
  return { lines: [...lines, ...report(results, 0)], results };
}

Deno.test("The suite fails when a file fails, crashes or does not even load, and runs the others", async () => {
  const { lines, results } = await runFiles({
    "good_test.ts":
      'Deno.test("good", () => {}); Deno.test.ignore("later [ignored: reason]", () => {});',
    "bad_test.ts": 'Deno.test("bad", () => { throw new Error("the reason"); });',
    "crash_test.ts": 'Deno.test("crash", () => Deno.kill(Deno.pid, "SIGKILL"));',
    "exit_test.ts":
      'Deno.test("exit", async () => { queueMicrotask(() => { throw 1; }); await 1; });',
    "broken_test.ts": "import 'npm:no';;; import {",
  });
  assert.deepEqual(
    results.filter(({ failed }) => failed > 0).map(({ job }) => job.name).sort(),
    ["bad_test.ts", "broken_test.ts", "crash_test.ts", "exit_test.ts"],
  );
  const text = lines.join("\n");
  assert.match(text, /the reason/);
  assert.match(text, /^skipped +later \[ignored: reason\]$/m);
  assert.match(text, /^FAILED {2}crash_test\.ts$/m);
  assert.equal(lines.at(-1), "1 passed, 5 failed, 1 skipped");
});

Deno.test("The suite contains every file that deno test would run", async () => {
  const files = await findTestFiles(import.meta.dirname!);
  assert.deepEqual(files, [`${import.meta.dirname}/run_tests_test.ts`]);
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/below`);
  const names = ["a_test.ts", "b.test.tsx", "below/c_test.mjs", "below/test.ts"];
  for (const name of [...names, "a_test.txt", "latest.ts"]) {
    await Deno.writeTextFile(`${directory}/${name}`, "");
  }
  assert.deepEqual(await findTestFiles(directory), names.map((name) => `${directory}/${name}`));
  await Deno.remove(directory, { recursive: true });
});
