import assert from "node:assert/strict";
import { PACKAGE_FLAGS } from "../../deploy/deno_flags.ts";
import manifest from "../../deno.json" with { type: "json" };
import { startNpmRegistry } from "../fixtures/npm_registry.ts";
import { runProgram } from "../fixtures/run_program.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("Lock file: every task that runs code uses it frozen, and packages from Deno's own cache", () => {
  for (const [name, { command }] of Object.entries(manifest.tasks)) {
    const runs = command.split("&&").map((part) => part.trim())
      .filter((part) => /\bdeno (?:run|test|check|bench|compile)\b/.test(part));
    for (const run of runs) {
      const flags = run.split(" ");
      for (const flag of ["--frozen", ...PACKAGE_FLAGS]) assert(flags.includes(flag), name);
    }
  }
});

/** Runs a program that imports a registry's package, with a lock file and an empty cache. */
async function runWith(url: string, integrity: string | undefined): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    const lock = integrity === undefined ? { version: "5" } : {
      version: "5",
      specifiers: { "npm:sample@1": "1.0.0" },
      npm: { "sample@1.0.0": { integrity, tarball: `${url}sample/-/sample-1.0.0.tgz` } },
    };
    await Deno.writeTextFile(`${directory}/deno.json`, "{}");
    await Deno.writeTextFile(`${directory}/deno.lock`, JSON.stringify(lock));
    await Deno.writeTextFile(`${directory}/main.ts`, 'import "npm:sample@1";\n');
    const { output } = await runProgram(Deno.execPath(), ["run", "--frozen", "main.ts"], {
      cwd: directory,
      env: { DENO_DIR: `${directory}/cache`, NPM_CONFIG_REGISTRY: url },
    });
    return output;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("Lock file: a package that it lacks, or has with another hash, does not run", async () => {
  await using registry = await startNpmRegistry();
  assert.match(await runWith(registry.url, registry.integrity), /sample ran/);
  const other = `sha512-${new Uint8Array(64).toBase64()}`;
  for (
    const [integrity, complaint] of [
      [other, /checksum did not match/i],
      [undefined, /lockfile is out of date/i],
    ] as const
  ) {
    const said = await runWith(registry.url, integrity);
    assert.match(said, complaint);
    assert.doesNotMatch(said, /sample ran/);
  }
});

Deno.test("Lock file: all packages come from npm, with a hash, and none may run install scripts", async () => {
  const lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  for (const kind of ["jsr", "remote", "redirects"]) assert.equal(lock[kind], undefined, kind);
  for (const [key, { integrity }] of Object.entries<{ integrity: string }>(lock.npm)) {
    assert.match(integrity, /^sha512-[\w+/]{86}==$/, key);
  }
  for (const key of ["allowScripts", "links"]) {
    assert.equal(Object.hasOwn(manifest, key), false, key);
  }
  assert.deepEqual(PACKAGE_FLAGS, ["--node-modules-dir=none"]);
});
