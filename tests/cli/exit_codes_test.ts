/** The documentation of the command line against the command line. */
import assert from "node:assert/strict";
import { ExitCode } from "../../src/cli/exit_code.ts";
import { runCommand } from "../fixtures/gateway_command.ts";

const DOCUMENT = await Deno.readTextFile(new URL("../../docs/command-line.md", import.meta.url));

function section(heading: string): string {
  return new RegExp(`^## ${heading}\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, "m").exec(DOCUMENT)?.[1] ??
    "";
}

async function commandNames(): Promise<string[]> {
  const { stdout } = await runCommand(["--help"]);
  return [...stdout.matchAll(/^ {2}([a-z][a-z-]*)(?: |$)/gm)].map(([, name]) => name!)
    .filter((name) => name !== "help");
}

Deno.test("exit codes: the documentation has those of exit_code.ts, no more and no less", () => {
  const written = [...section("Exit codes").matchAll(/^\| (\d+) +\|/gm)].map(([, code]) =>
    Number(code)
  );
  assert.deepEqual(written, Object.values(ExitCode).toSorted((a, b) => a - b));
});

Deno.test("command line: every command is documented, with what ends it with 1", async () => {
  const names = await commandNames();
  assert(names.length > 8, names.join(" "));
  const table = DOCUMENT.slice(0, DOCUMENT.indexOf("\n## "));
  const failures = section("Exit codes");
  for (const name of names) {
    assert.match(table, new RegExp(`^\\| \`dicomweb-gateway ${name}\\b`, "m"), name);
    assert.match(failures, new RegExp(`^\\| \`${name}\\b.*\\|`, "m"), name);
  }
  const documented = [...failures.matchAll(/^\| `([a-z-]+)/gm)].map(([, name]) => name!);
  assert.deepEqual(documented.filter((name) => !names.includes(name)), []);
});

Deno.test("command line: a mistyped command or option suggests the nearest, and ends with 64", async () => {
  const cases: [args: string[], nearest: string][] = [
    [["docter"], "doctor"],
    [["permisions"], "permissions"],
    [["audit", "verfy"], "verify"],
    [["doctor", "--jsn"], "--json"],
  ];
  for (const [args, nearest] of cases) {
    const { code, stderr } = await runCommand(args);
    assert.equal(code, 64, args.join(" "));
    assert.match(stderr, new RegExp(`Did you mean "?${nearest}"?\\?`));
  }
});

Deno.test("command line: every help begins with a small letter, ends without a full stop, and has --help", async () => {
  const { stdout } = await runCommand(["--help"]);
  for (const [, name, text] of stdout.matchAll(/^ {2}([a-z][a-z-]*)(?: \S+)* {2,}(.+)$/gm)) {
    assert.match(text!, /^[a-z].*[^.]$/, name);
  }
  for (const name of await commandNames()) {
    const { code, stdout } = await runCommand([name, "--help"]);
    assert.equal(code, 0, name);
    assert.match(stdout, /^ +-h, --help/m, name);
  }
});
