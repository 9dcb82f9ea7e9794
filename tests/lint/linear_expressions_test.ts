/**
 * No expression in `src/` takes more than linear time, except for trusted input; and the lint
 * plugin notices those that do.
 */
import assert from "node:assert/strict";
import { glob } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import plugin from "./linear_expressions.ts";

function faults(source: string, path = "src/room/file.ts"): string[] {
  return Deno.lint.runPlugin(plugin, path, source).map(({ message }) =>
    message.slice(message.indexOf(": ") + 2)
  );
}

const BACKTRACKS = "it backtracks";
const RESTARTS = "it starts again within text that it has searched";

/** Each was in `src/` once, or is of the same kind; all took more than linear time. */
const SLOW: readonly (readonly [expression: string, fault: string])[] = [
  [String.raw`/\/+$/`, RESTARTS],
  [String.raw`/[\0 ]+$/`, RESTARTS],
  [String.raw`/%.*$/`, RESTARTS],
  [String.raw`/<([^>]*)>/g`, RESTARTS],
  [String.raw`/"(?:[^"\\]|\\.)*"|<([^>]*)>/g`, RESTARTS],
  [String.raw`/([\w-]+)=(?:"([^"]*)"|(\w+))/g`, RESTARTS],
  [String.raw`/eyJ[\w-]*\.[\w-]*\.[\w-]*/g`, RESTARTS],
  [String.raw`/Credential=([^/]+)\//`, RESTARTS],
  [String.raw`/<!--[^]*?-->/g`, RESTARTS],
  [String.raw`/^(a[ \t]*:[ \t]*)([^\r\n]*)(?=\r?\n(?![ \t]))/gim`, BACKTRACKS],
  [String.raw`/https?:\/\/[^\s"<>]+?(?=[:,.;)\]]*(?:[\s"<>]|$))/gi`, BACKTRACKS],
  [String.raw`/^(\w+\s?)*$/`, BACKTRACKS],
];

const LINEAR: readonly string[] = [
  String.raw`/^\/+/`,
  String.raw`/^[a-z]+(?= )/`,
  String.raw`/<([^>]*)(>?)/g`,
  String.raw`/"(?:[^"\\]|\\.?)*"?/g`,
  String.raw`/eyJ[\w-]*(?:\.[\w-]*\.[\w-]*)?/g`,
  String.raw`/\p{Cc}+/gu`,
  String.raw`/^(name[ \t]*:)([^\r\n]*)(?=\r?\n(?![ \t]))/gim`,
  String.raw`/<!--[^]*?-->|<\?[^]*?\?>/y`,
  String.raw`/"code"\s*:\s*"([^"]*)"/`,
];

for (const [expression, fault] of SLOW) {
  Deno.test(`linear expressions: ${expression} is rejected`, () => {
    assert.deepEqual(faults(`const found = text.match(${expression});`), [fault]);
  });
}

Deno.test("linear expressions: those that are linear pass", () => {
  for (const expression of LINEAR) {
    assert.deepEqual(faults(`const found = text.match(${expression});`), [], expression);
  }
});

Deno.test("linear expressions: one that is built at run time is rejected, whatever it contains", () => {
  for (const source of ['new RegExp("a")', "RegExp(text)"]) {
    assert.deepEqual(faults(source), ["write a literal"]);
  }
});

/** Files with rejected expressions, and why these are safe. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "src/config/values/pem.ts": "reads files of the administrator's",
  "src/config/values/verification_key.ts": "reads files of the administrator's",
  "src/credentials/spelled_search.ts": "is made for one character, with bounded repetitions",
  "src/demo/search_query.ts": "the demo listens on loopback only",
};

Deno.test("linear expressions: every expression in src/ takes linear time", async (t) => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const slow = new Set<string>();
  for await (const path of glob(`${root}src/**/*.{ts,tsx}`)) {
    const name = path.slice(root.length).replaceAll("\\", "/");
    const found = Deno.lint.runPlugin(plugin, path, await Deno.readTextFile(path));
    if (found.length === 0) continue;
    slow.add(name);
    if (Object.hasOwn(EXCEPTIONS, name)) continue;
    await t.step(name, () => assert.deepEqual(found.map(({ message }) => message), []));
  }
  assert.deepEqual([...slow].sort(), Object.keys(EXCEPTIONS));
});

Deno.test("linear expressions: tests may have any", () => {
  assert.deepEqual(faults(String.raw`/\/+$/`, "tests/room/file_test.ts"), []);
});
