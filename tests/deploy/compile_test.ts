import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { TARGETS } from "../../deploy/compile.ts";
import { runProgram } from "../fixtures/run_program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const deno = (args: readonly string[], env: Record<string, string> = {}) =>
  runProgram(Deno.execPath(), args, { cwd: ROOT, env });

// `deno compile` downloads the runtime of the binary. Without a network any executable will do to
// see what is embedded; the result is not run here.
const STAND_IN = { DENORT_BIN: Deno.execPath(), RUST_MIN_STACK: "67108864" };

const program = (directory: string, names: readonly string[]) => `
  import { compile } from ${JSON.stringify(import.meta.resolve("../../deploy/compile.ts"))};
  Deno.exit(await compile(${JSON.stringify(names)}, ${JSON.stringify(directory)}) ? 0 : 1);`;

Deno.test("compile: the binary embeds every module, the worker's entry point, and no test's dependency", async () => {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/compile.ts`;
  await Deno.writeTextFile(file, program(directory, ["linux-x64"]));
  const config = ["--config", `${ROOT}deno.json`];
  const { success, output } = await deno(["run", "--allow-all", ...config, file], STAND_IN);
  assert.ok(success, output);
  for (const module of ["worker.ts", "assemble_gateway.ts", "forward_to_store.ts", "docs/*"]) {
    assert(output.includes(`─ ${module} `), module);
  }
  for (const name of ["demo", "hono", "@redis/client", "prom-client", "marked"]) {
    assert(output.includes(`${name}/`));
  }
  for (const name of ["playwright-core", "oidc-provider", "kubernetes-models", "fast-check"]) {
    assert(!output.includes(name), name);
  }
  assert((await Deno.stat(`${directory}/dicomweb-gateway-linux-x64`)).isFile);
  await Deno.remove(directory, { recursive: true });
});

Deno.test("compile: its targets are all those of Deno", async () => {
  const { output } = await deno(["compile", "--help"]);
  const [, known] = /possible values: (x86_64-[^\]]*)\]/.exec(output)!;
  assert.deepEqual(Object.values(TARGETS).sort(), known!.split(", ").sort());
});

Deno.test("compile: an unknown target is reported, with the known ones", async () => {
  const { success, output } = await deno(["run", "--allow-all", "deploy/compile.ts", "linux-mips"]);
  assert(!success);
  assert.match(output, /linux-mips is no target; there are linux-x64, .*windows-x64 and all/);
});
