/**
 * The compliance documents name existing tests and configuration keys, and omit no section of the
 * Security Rule's technical and administrative safeguards.
 */
import assert from "node:assert/strict";
import { needing, type Tool } from "../fixtures/installed_tool.ts";
import { runProgram } from "../fixtures/run_program.ts";
import { root } from "./generated_docs.ts";

const DIRECTORY = new URL("docs/compliance/", root);
const pages = [...Deno.readDirSync(DIRECTORY)].map(({ name }) => name).sort();
const textOf = (name: string) => Deno.readTextFileSync(new URL(name, DIRECTORY));

/** 45 CFR 164.308 to 164.316, as of 2024. */
const SECTIONS = [
  ..."(1)(ii)(A) (1)(ii)(B) (1)(ii)(C) (1)(ii)(D) (2) (3) (4) (5)(ii)(B) (5)(ii)(C) (5)(ii)(D) (6)(ii) (7) (8)"
    .split(" ").map((part) => `164.308(a)${part}`),
  "164.308(b)(1)",
  ..."(a)(1) (b) (c) (d)(1)".split(" ").map((part) => `164.310${part}`),
  ..."(a)(1) (a)(2)(i) (a)(2)(ii) (a)(2)(iii) (a)(2)(iv) (b) (c)(1) (c)(2) (d) (e)(1) (e)(2)(i) (e)(2)(ii)"
    .split(" ").map((part) => `164.312${part}`),
  "164.314(a)",
  "164.316(a)",
  "164.316(b)(1)",
  "164.316(b)(2)(i)",
];

Deno.test("compliance: every section of the Security Rule occurs in the matrix once", () => {
  const rows = [...textOf("controls-matrix.md").matchAll(/^\| (164\.\S+)\s*\|/gm)]
    .map(([, section]) => section!);
  assert.deepEqual(rows.toSorted(), SECTIONS.toSorted());
});

for (const page of pages) {
  Deno.test(`compliance: ${page} names existing tests and keys`, () => {
    const named = [...textOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);
    for (const path of named.filter((code) => code.startsWith("tests/"))) {
      assert(Deno.statSync(new URL(path, root)), path);
    }
    const schema = Deno.readTextFileSync(new URL("docs/gateway.schema.json", root));
    for (
      const key of named.filter((code) => /^[A-Z][a-z][A-Za-z]*(?:\.[A-Z][A-Za-z]+)*$/.test(code))
    ) {
      for (const part of key.split(".")) assert(schema.includes(`"${part}"`), key);
    }
  });
}

const JQ: Tool = { name: "jq", path: "/usr/bin/jq" };

Deno.test(needing(JQ, {
  name: "compliance: the commands of the review find matching records",
  fn: findsWhatItLooksFor,
}));

async function findsWhatItLooksFor(): Promise<void> {
  const records = [
    { event: "access", outcome: "complete", subject: "key:a", server: "s", transaction: "t" },
    { event: "authentication", outcome: "refused", subject: "anonymous", client: "10.0.0.1" },
    { event: "access", method: "DELETE", study: "1.2.840.113619.2.55.3", status: 200 },
    { event: "trail", outcome: "records lost", lost: 3 },
    { event: "gateway", outcome: "worker crashed" },
  ].map((record) => JSON.stringify({ time: "2026-01-01T00:00:00Z", ...record })).join("\n");
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, `${records}\n`);
  const commands = [...textOf("audit-review.md").matchAll(/^jq .*$/gm)].map(([command]) => command);
  assert.equal(commands.length, 6);
  for (const command of commands) {
    const { success, stdout, stderr } = await runProgram("sh", [
      "-c",
      command.replace("TRAIL", file),
    ]);
    assert(success, `${command}: ${stderr}`);
    assert(stdout.length > 0, `${command} finds nothing`);
  }
  await Deno.remove(file);
}
