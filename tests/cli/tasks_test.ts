/**
 * The README's commands, without exported variables, and with a proxy in the environment that does not
 * answer.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const NOWHERE = "http://127.0.0.1:1";

async function run(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: "/nowhere", NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, all: `${out}${err}` };
}

/** Packages that are downloaded already. */
async function denoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

Deno.test("deno task downloads nothing before the task's own command runs", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(
    `${directory}/deno.json`,
    JSON.stringify({ ...manifest, lint: undefined, tasks: { greet: "echo greeted" } }),
  );
  await Deno.copyFile(`${ROOT}deno.lock`, `${directory}/deno.lock`);
  const { code, out, all } = await run(["task", "greet"], directory, {
    DENO_DIR: `${directory}/cache`,
    NPM_CONFIG_REGISTRY: `${NOWHERE}/`,
  });
  assert.equal(code, 0, all);
  assert.equal(out, "greeted\n");
  await Deno.remove(directory, { recursive: true });
});

for (
  const [what, env] of Object.entries({
    "without any variable": {},
    "with HTTP_PROXY set": { HTTP_PROXY: NOWHERE, http_proxy: NOWHERE },
  })
) {
  Deno.test(`deno task demo works ${what}`, async () => {
    const DENO_DIR = await denoDirectory();
    const { code, out, all } = await run(["task", "demo", "--once"], ROOT, { DENO_DIR, ...env });
    assert.equal(code, 0, all);
    assert.match(out, /^Every step worked\.$/m);
  });

  Deno.test(`deno task test works ${what}, and runs the named path only`, async () => {
    const DENO_DIR = await denoDirectory();
    const path = "tests/network/direct_hosts_test.ts";
    const { code, out, all } = await run(["task", "test", path], ROOT, { DENO_DIR, ...env });
    assert.equal(code, 0, all);
    const files = [...out.matchAll(/^running \d+ tests? from (\S+)$/gm)].map(([, file]) => file);
    assert.deepEqual(files, [`./${path}`]);
  });
}

Deno.test("The README's commands need no environment variable", async () => {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const [, commands] = /```sh\n(npx[^`]*)```/.exec(readme)!;
  assert.equal(commands, "npx --yes deno@2.7.14 task demo\nnpx --yes deno@2.7.14 task test\n");
  assert.doesNotMatch(readme, /DENO_|_PROXY|\bexport\b/);
});
