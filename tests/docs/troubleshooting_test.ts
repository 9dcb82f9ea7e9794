/**
 * The messages of `doctor` that `docs/troubleshooting.md` quotes exist in the source, and every error
 * code can be found there.
 */
import assert from "node:assert/strict";
import { catalogue } from "../../src/errors/catalogue.ts";
import { FAULTS } from "../../src/telemetry/faults.ts";
import { root } from "./generated_docs.ts";

const SOURCES = new URL("src/tools/doctor/", root);

function textOf(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

/** The source's texts, joined as they are printed. */
function sourceTexts(): string {
  const files = [...Deno.readDirSync(SOURCES)].map(({ name }) => `src/tools/doctor/${name}`);
  // Refusals of the proxy and faults of TLS are explained in the same words by the gateway's errors.
  const more = [
    "src/network/network_error.ts",
    "src/network/tls_fault.ts",
    "src/runtime/disk_space.ts",
    "src/telemetry/faults.ts",
  ];
  return [...files, ...more].map(textOf).join(
    "\n",
  )
    .replace(/[`"] \+\s+[`"]/g, "").replaceAll("\\'", "'");
}

function rows(): string[][] {
  const section = textOf("docs/troubleshooting.md").split(/^## /m)
    .find((section) => section.startsWith("What doctor says"));
  return (section ?? "").split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()).slice(1, -1));
}

Deno.test("troubleshooting: every explained message of doctor exists", () => {
  const source = sourceTexts();
  assert(rows().length > 20);
  for (const [step, sentence] of rows()) {
    assert(source.includes(`"${step!.replaceAll("`", "")}"`), `there is no step ${step}`);
    // Texts of a provider are not in the source.
    if (/provider's own words/.test(sentence!)) continue;
    const fragments = [...sentence!.matchAll(/`([^`]+)`/g)].flatMap(([, text]) => text!.split("…"))
      .map((fragment) => fragment.trim()).filter((fragment) => fragment.length > 2);
    assert(fragments.length > 0, sentence);
    for (const fragment of fragments) assert(source.includes(fragment), `${step}: ${fragment}`);
  }
});

Deno.test("troubleshooting: every step of doctor that can fail for a store is explained", () => {
  const steps = new Set(rows().map(([step]) => step!.replaceAll("`", "")));
  for (const step of ["name", "connection", "proxy", "certificate", "token", "search", "clock"]) {
    assert(steps.has(step), step);
  }
});

Deno.test("troubleshooting: every error code that asks for action is in a row", () => {
  // Renewal in the background needs none.
  const codes = Object.keys(catalogue).filter((code) => code !== "TOK-003");
  const rows = textOf("docs/troubleshooting.md").split("\n").filter((line) => line.startsWith("|"));
  assert.deepEqual(codes.filter((code) => !rows.some((row) => row.includes(code))), []);
});

Deno.test("troubleshooting: every fault of the gateway is explained, here and with the status page", () => {
  const remedies = textOf("docs/troubleshooting.md");
  const meanings = textOf("docs/status-page.md");
  for (const [kind, { title }] of Object.entries(FAULTS)) {
    assert(remedies.includes(`_${title}_`), title);
    assert(meanings.includes(`${title} (\`${kind}\`)`), kind);
  }
});
