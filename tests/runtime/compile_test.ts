import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

// `deno compile` downloads the runtime that it puts the program into. Where that cannot be had, any
// file of its size will do to see what is embedded; the result is not run here.
Deno.test("compile: the binary embeds every module of the gateway and the worker's entry point", async () => {
  const directory = await Deno.makeTempDir();
  const [, , ...args] = manifest.tasks.compile.command.split(" ");
  const output = args.indexOf("--output") + 1;
  args[output] = `${directory}/dicomweb-gateway`;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args.slice(0, 1), "--no-check", ...args.slice(1)],
    cwd: ROOT,
    // Taking so large a file for the runtime needs a larger stack than the real one does.
    env: { DENORT_BIN: Deno.execPath(), NO_COLOR: "1", RUST_MIN_STACK: "67108864" },
  }).output();
  const listing = new TextDecoder().decode(stderr);
  await Deno.remove(directory, { recursive: true });
  assert.ok(success, listing);
  for (const module of ["worker.ts", "assemble_gateway.ts", "dicomweb_routes.ts"]) {
    assert.match(listing, new RegExp(`─ ${module.replace(".", "\\.")} `), module);
  }
});

Deno.test("compile: the binary has the permissions of the start task, for the supervisor to narrow", () => {
  const permissions = (command: string) => command.match(/--allow-[a-z]+/g)?.sort();
  assert.deepEqual(
    permissions(manifest.tasks.compile.command),
    permissions(manifest.tasks.start.command),
  );
});
