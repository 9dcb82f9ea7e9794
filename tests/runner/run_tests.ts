/**
 * `deno task test`: runs each test file in a process of its own, several at once, and prints the
 * time of each folder. With paths or flags of `deno test` it runs only those.
 *
 * The files must be independent of each other: each uses free ports and directories of its own.
 */
import { fileURLToPath } from "node:url";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";
import { findTestFiles } from "./test_files.ts";
import { type Counts, countTests, skippedTests, sum } from "./test_outcome.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FLAGS = ["--frozen", ...PACKAGE_FLAGS, "--allow-all", "--unstable-no-legacy-abort"];

/** These take longest, mostly waiting: started last, one of them would run alone. */
const FIRST = ["tests/e2e", "tests/streaming", "tests/faults", "tests/security", "tests/runtime"];

/** A process that hangs must not hide the results of the others. */
const FILE_LIMIT_MS = 15 * 60_000;

/** A process of `deno test`. */
export interface Job {
  /** The folder in the report. */
  readonly folder: string;
  readonly name: string;
  readonly args: readonly string[];
}

export interface Result extends Counts {
  readonly job: Job;
  readonly seconds: number;
}

/** Runs jobs in their order, several at once. */
export async function runJobs(
  jobs: readonly Job[],
  atOnce: number,
  print: (line: string) => void,
): Promise<Result[]> {
  const waiting = [...jobs];
  const results: Result[] = [];
  async function work(): Promise<void> {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      const { result, output } = await run(job);
      results.push(result);
      const verdict = result.failed > 0 ? "FAILED" : "ok";
      print(`${verdict.padEnd(6)} ${result.seconds.toFixed(1).padStart(6)} s  ${job.name}`);
      for (const name of skippedTests(output)) print(`skipped          ${name}`);
      if (result.failed > 0) print(output);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
  return results;
}

/** Lists the time of each folder, the failures, and the sums on a last line of their own. */
export function report(results: readonly Result[], durationMs: number): string[] {
  const folders = Object.entries(Object.groupBy(results, ({ job }) => job.folder));
  const failed = results.filter((result) => result.failed > 0);
  const { passed, failed: failures, skipped } = sum(results);
  return [
    "",
    ...folders.map(([folder, all = []]) => {
      const seconds = all.reduce((total, result) => total + result.seconds, 0);
      return `${seconds.toFixed(1).padStart(7)} s  ${folder} (${sum(all).passed} passed)`;
    }).toSorted(),
    `${(durationMs / 1000).toFixed(1).padStart(7)} s  in all, as several ran at once`,
    "",
    ...failed.map(({ job }) => `FAILED  ${job.name}`),
    `${passed} passed, ${failures} failed, ${skipped} skipped`,
  ];
}

async function run(job: Job): Promise<{ result: Result; output: string }> {
  const startMs = performance.now();
  const ended = await new Deno.Command(Deno.execPath(), {
    args: ["test", ...FLAGS, ...job.args],
    cwd: ROOT,
    env: { ...loopbackExempt(), NO_COLOR: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(FILE_LIMIT_MS),
  }).output();
  const output = [ended.stdout, ended.stderr].map((bytes) => new TextDecoder().decode(bytes)).join(
    "",
  );
  const seconds = (performance.now() - startMs) / 1000;
  return { result: { job, seconds, ...countTests(output, ended.success) }, output };
}

async function wholeSuite(): Promise<Job[]> {
  const files = [...await findTestFiles("tests"), ...await findTestFiles("src")];
  const folderOf = (file: string) => file.split("/").slice(0, 2).join("/");
  const isFirst = (file: string) => FIRST.includes(folderOf(file));
  return [
    // `deno task check` checks types.
    ...[...files.filter(isFirst), ...files.filter((file) => !isFirst(file))]
      .map((name) => ({ folder: folderOf(name), name, args: ["--no-check", name] })),
    { folder: "src", name: "examples in src/", args: ["--doc", "src/"] },
  ];
}

/** The task sets `NO_PROXY`, which Deno reads; Orthanc and other programs read `no_proxy` first. */
function loopbackExempt(): Record<string, string> {
  const exempt = Deno.env.get("NO_PROXY");
  return exempt === undefined ? {} : { no_proxy: exempt };
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

if (import.meta.main) {
  if (Deno.args.length > 0) {
    const hasPath = (await Promise.all(Deno.args.map(isThere))).includes(true);
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["test", ...FLAGS, ...Deno.args, ...(hasPath ? [] : ["tests/", "src/"])],
      env: loopbackExempt(),
    }).spawn().status;
    Deno.exit(code);
  }
  // Many tests mostly wait.
  const atOnce = navigator.hardwareConcurrency + 1;
  const jobs = await wholeSuite();
  print(`Running ${jobs.length} files of tests, ${atOnce} at once`);
  const startMs = performance.now();
  const results = await runJobs(jobs, atOnce, print);
  for (const line of report(results, performance.now() - startMs)) print(line);
  if (results.some(({ failed }) => failed > 0)) Deno.exit(1);
}
