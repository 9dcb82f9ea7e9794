/**
 * The worker's dependencies need no permission to load. A dependency that reads the environment,
 * looks for files or contacts a host while it loads fails here.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";
import { runProgram } from "../fixtures/run_program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const IMPORTER = import.meta.resolve("../fixtures/importing_worker.ts");

/** Imports a module in a worker without any permission, and returns the result. */
async function importWithNothing(specifier: string): Promise<string> {
  const options = { type: "module", deno: { permissions: "none" } } as WorkerOptions;
  const worker = new Worker(IMPORTER, options);
  try {
    return await new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve(event.message);
      };
      worker.postMessage(specifier);
    });
  } finally {
    worker.terminate();
  }
}

/** The package specifiers in the worker's modules. */
async function importsOfWorker(): Promise<string[]> {
  const args = ["info", ...PACKAGE_FLAGS, "--json", "src/runtime/worker.ts"];
  const { stdout } = await runProgram(Deno.execPath(), args, { cwd: ROOT });
  const { modules } = JSON.parse(stdout);
  const names = Object.keys(manifest.imports);
  const specifiers = modules.flatMap((module: { dependencies?: { specifier: string }[] }) =>
    (module.dependencies ?? []).map(({ specifier }) => specifier)
  );
  return [...new Set<string>(specifiers)].filter((specifier) =>
    names.some((name) => specifier === name || specifier.startsWith(`${name}/`))
  ).toSorted();
}

const specifiers = await importsOfWorker();

Deno.test("Sandbox: the imports of the worker are known", () => {
  for (const expected of ["hono", "jose", "zod", "prom-client", "@redis/client"]) {
    assert(specifiers.includes(expected), expected);
  }
});

for (const specifier of specifiers) {
  Deno.test(`Sandbox: ${specifier} loads in a worker without any permission`, async () => {
    assert.equal(await importWithNothing(specifier), "imported");
  });
}

for (const specifier of ["google-auth-library", "@azure/msal-node"]) {
  Deno.test(`Sandbox: ${specifier}, which only tests use, would need the environment`, async () => {
    assert(!specifiers.includes(specifier));
    assert.match(await importWithNothing(specifier), /Requires env access/);
  });
}

Deno.test("Sandbox: docs/security/supply-chain.md describes every import of the worker", async () => {
  const document = await Deno.readTextFile(`${ROOT}docs/security/supply-chain.md`);
  const rows = [...document.matchAll(/^\| `([^`]+)` +\| none +\|/gm)].map(([, name]) => name);
  assert.deepEqual(rows.toSorted(), specifiers);
});
