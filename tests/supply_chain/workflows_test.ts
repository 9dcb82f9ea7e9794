/**
 * The GitHub workflows: no action floats, no job has more permissions than it needs, and text of
 * outsiders never becomes a command. GitHub has not run the release.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DIRECTORY = `${ROOT}.github/workflows`;
/** The write permissions, by workflow and job. Everything else may only read. */
const WRITERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "release.yml publish": { contents: "write", "id-token": "write", attestations: "write" },
};

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
  readonly container?: { readonly image: string };
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const files = [...Deno.readDirSync(DIRECTORY)].map(({ name }) => name).toSorted();

for (const file of files) {
  const text = Deno.readTextFileSync(`${DIRECTORY}/${file}`);
  const workflow: Workflow = parse(text);
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps);

  Deno.test(`Workflow ${file}: every action is pinned to a commit, with its version beside it`, () => {
    const uses = steps.map((step) => step.uses).filter((use) => use !== undefined);
    assert(uses.length > 0);
    for (const use of uses) {
      assert.match(use, /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/);
      assert.match(text, new RegExp(`${use} # v\\d+\\.\\d+\\.\\d+$`, "m"));
    }
  });

  Deno.test(`Workflow ${file}: it may read the repository, and only publishing jobs may write`, () => {
    assert.deepEqual(workflow.permissions, { contents: "read" });
    for (const [name, { permissions }] of jobs) {
      assert.deepEqual(permissions, WRITERS[`${file} ${name}`], name);
    }
  });

  Deno.test(`Workflow ${file}: text of outsiders starts no privileged job and becomes no command`, () => {
    for (const trigger of ["pull_request_target", "workflow_run", "issue_comment"]) {
      assert(!Object.hasOwn(workflow.on, trigger), trigger);
    }
    for (const { run = "" } of steps) assert(!run.includes("${{"), run);
    for (const step of steps) {
      if (!step.uses?.startsWith("actions/checkout@")) continue;
      assert.equal(step.with?.["persist-credentials"], false);
    }
  });

  Deno.test(`Workflow ${file}: every job ends, and runs the Deno that the project is pinned to`, () => {
    for (const [name, job] of jobs) assert(job["timeout-minutes"]! <= 60, name);
    for (const [, version] of text.matchAll(/deno@(\S+)/g)) assert.equal(version, "2.7.14");
  });
}

Deno.test("Workflows: the release runs the checks of CI before it builds, and no code of ours where it may write", () => {
  const release: Workflow & { jobs: Record<string, { needs?: string }> } = parse(
    Deno.readTextFileSync(`${DIRECTORY}/release.yml`),
  );
  const ci: Workflow = parse(Deno.readTextFileSync(`${DIRECTORY}/ci.yml`));
  const commands = (job: Job | undefined) => (job?.steps ?? []).flatMap(({ run }) => run ?? []);
  const { ok, build, publish } = release.jobs;
  for (const command of commands(ci.jobs["ok"])) assert(commands(ok).includes(command), command);
  assert.equal(build?.needs, "ok");
  assert.equal(publish?.needs, "build");
  const built = commands(build).join("\n");
  for (const part of ["task compile all", "task sbom ", "sha256sum"]) assert(built.includes(part));
  const used = publish!.steps.flatMap(({ uses }) => uses?.split("@")[0] ?? []);
  assert.deepEqual(used, [
    "actions/download-artifact",
    "actions/attest-build-provenance",
    "actions/attest-sbom",
  ]);
  for (const command of commands(publish)) assert.doesNotMatch(command, /deno|npx|npm/);
});
