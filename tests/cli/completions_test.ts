/** Completions in the shells themselves: Bash, zsh and fish. */
import assert from "node:assert/strict";
import { runCommand } from "../fixtures/gateway_command.ts";
import { needing, type Tool } from "../fixtures/installed_tool.ts";

const BASH: Tool = { name: "Bash", path: "/bin/bash" };
const ZSH: Tool = { name: "zsh", path: "/usr/bin/zsh" };
const FISH: Tool = { name: "fish", path: "/usr/bin/fish" };

/** Typed text, and what must and must not be offered. */
const CASES: [typed: string, offered: string[], absent: string[]][] = [
  ["do", ["doctor"], ["demo", "serve"]],
  ["audit ", ["verify"], ["serve"]],
  ["doctor --js", ["--json"], ["--reveal"]],
  ["token --re", ["--reveal"], ["--json"]],
  ["audit verify --an", ["--anchor"], ["--json"]],
  ["completions ", ["bash", "zsh", "fish"], ["serve"]],
];

async function script(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(["completions", shell]);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function run(tool: Tool, args: readonly string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(tool.path, {
    args: [...args],
    stdin: "null",
    env: { TERM: "dumb" },
    signal: AbortSignal.timeout(60_000),
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert(success, text + new TextDecoder().decode(stderr));
  assert.equal(new TextDecoder().decode(stderr), "");
  return text;
}

/** Completes each case. */
async function completeCases(
  complete: (file: string, typed: string) => Promise<string[]>,
  shell: string,
) {
  const directory = await Deno.makeTempDir();
  const file = `${directory}/completions`;
  try {
    await Deno.writeTextFile(file, await script(shell));
    for (const [typed, offered, absent] of CASES) {
      const words = await complete(file, typed);
      for (const word of offered) assert(words.includes(word), `${typed}: ${words.join(" ")}`);
      for (const word of absent) assert(!words.includes(word), `${typed}: ${words.join(" ")}`);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test(needing(BASH, {
  name: "completions: Bash offers the commands and options of the place, and files for --config",
  async fn() {
    const complete = async (file: string, typed: string) => {
      const words = ["dicomweb-gateway", ...typed.split(" ")].map((word) => `'${word}'`);
      const offered = await run(BASH, [
        "--norc",
        "-c",
        `source ${file}
         COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}
         $(complete -p dicomweb-gateway | sed 's/.*-F \\([^ ]*\\).*/\\1/')
         printf '%s\\n' "\${COMPREPLY[@]}"`,
      ]);
      return offered.split("\n").filter((word) => word !== "");
    };
    await completeCases(complete, "bash");
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${directory}/completions`, await script("bash"));
      assert.deepEqual(await complete(`${directory}/completions`, "serve --config ga"), []);
      const registered = await run(BASH, [
        "--norc",
        "-c",
        `source ${directory}/completions; complete -p dicomweb-gateway`,
      ]);
      assert.match(registered, /-o default/, "files are offered where the function offers nothing");
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
}));

Deno.test(needing(FISH, {
  name: "completions: fish offers the commands and options of the place",
  fn: () =>
    completeCases(async (file, typed) => {
      const offered = await run(FISH, [
        "--no-config",
        "-c",
        `source ${file}; complete -C 'dicomweb-gateway ${typed}'`,
      ]);
      return offered.split("\n").map((line) => line.split("\t")[0]!);
    }, "fish"),
}));

/** What is typed before the Tab key, and what then stands in the line. */
const TABS: [typed: string, line: string][] = [
  ["do", "doctor"],
  ["audit v", "audit verify"],
  ["doctor --js", "doctor --json"],
  ["token --re", "token --reveal"],
  ["audit verify --an", "audit verify --anchor"],
  ["completions z", "completions zsh"],
  // A file, of which there is one.
  ["check --config _dico", "check --config _dicomweb-gateway"],
];

Deno.test(needing(ZSH, {
  name: "completions: zsh completes at the Tab key of a terminal, from a file of $fpath",
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${directory}/_dicomweb-gateway`, await script("zsh"));
      const typed = TABS.map(([typed]) => `'${typed}'`).join(" ");
      // The command is a function that prints its arguments; the echo does not contain READY.
      const completed = await run(ZSH, [
        "-f",
        "-c",
        `zmodload zsh/zpty
         zpty -b shell zsh -f -i
         say() { zpty -w shell "$1"; zpty -r shell answer "*READY$2*" }
         say 'cd ${directory}; fpath=(${directory} $fpath); print RE""ADY1' 1
         say 'autoload -Uz compinit; compinit -u -D; print RE""ADY2' 2
         say 'zstyle ":completion:*" insert-tab false; print RE""ADY3' 3
         say 'dicomweb-gateway() { print -r -- "GOT:$*:END" }; print RE""ADY4' 4
         for typed in ${typed}; do
           zpty -w -n shell "dicomweb-gateway $typed"$'\t\n'
           zpty -r shell answer '*GOT:*:END*'
           print -r -- "\${\${answer##*GOT:}%%:END*}"
         done
         zpty -d shell`,
      ]);
      assert.deepEqual(completed.trimEnd().split("\n"), TABS.map(([, line]) => line));
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
}));

Deno.test("completions: PowerShell gets every place with its words, one pair a line", async () => {
  const text = await script("powershell");
  assert.match(text, /^Register-ArgumentCompleter -Native -CommandName 'dicomweb-gateway', /m);
  assert.match(text, /^ {4}'audit' = @\(\n {6}, @\('verify', 'verify the audit trail; /m);
  assert.match(text, /^ {6}, @\('powershell', 'powershell'\)$/m);
  assert.match(
    text,
    /^ {4}if \(@\([^)]*'--config'[^)]*\) -ccontains \$words\[-1\]\) \{ return \}$/m,
  );
  assert.equal(text.match(/[{(]/g)?.length, text.match(/[})]/g)?.length, "unbalanced");
});

Deno.test("completions: they contain every command, and an unknown shell ends it with 64", async () => {
  const bash = await script("bash");
  const { stdout: help } = await runCommand(["--help"]);
  const commands = [...help.matchAll(/^ {2}([a-z][a-z-]*)(?: |$)/gm)].map(([, name]) => name!);
  assert(commands.length > 8, help);
  for (const name of commands.filter((name) => name !== "help")) {
    assert.match(bash, new RegExp(`"/${name}"\\) place="${name}"`));
  }
  assert.equal((await runCommand(["completions", "tcsh"])).code, 64);
});
