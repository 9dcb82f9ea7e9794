/**
 * The tables of `docs/migration.md` map every key, metric, path and code of the plugin to one that
 * the gateway has.
 */
import assert from "node:assert/strict";
import { schemes } from "../../src/config/schemes/schemes.ts";
import { FORMER_KEYS } from "../../src/config/gateway_config.ts";
import { resilience } from "../../src/config/keys/resilience.ts";
import { sectionKeys } from "../../src/config/gateway_config.ts";
import { serverKeys } from "../../src/config/keys/server.ts";
import { catalogue } from "../../src/errors/catalogue.ts";
import { root } from "./generated_docs.ts";
import { describedMetrics } from "./metrics_reference.ts";

const DOCUMENT = await Deno.readTextFile(new URL("docs/migration.md", root));

/** The rows of a section's table, without code marks. */
function rows(heading: string): string[][] {
  const section = DOCUMENT.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return section.split("\n").filter((line) => line.startsWith("| `")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replace(/^`(.*)`$/, "$1"))
  );
}

Deno.test("migration: every key of the plugin maps to one of the gateway or is dropped by import", () => {
  const retryKeys = Object.keys(resilience.in.shape);
  const known = new Set([
    ...Object.keys(sectionKeys),
    ...Object.keys(serverKeys),
    ...schemes.flatMap((way) => Object.keys(way.keys)),
    ...retryKeys,
  ]);
  const keys = rows("Keys");
  const leftOut = keys.filter(([, gateway]) => gateway === "none").map(([plugin]) => plugin);
  assert.deepEqual(leftOut, Object.keys(FORMER_KEYS));
  for (const [plugin, gateway] of keys) {
    assert.ok(gateway === "none" || known.has(gateway!), `${plugin}: no key ${gateway}`);
  }
  const written = new Set(keys.map(([plugin]) => plugin));
  for (const key of retryKeys) assert.ok(written.has(key), `${key} is not in the table`);
});

Deno.test("migration: every metric of the plugin exists", async () => {
  const names = new Set((await describedMetrics()).map(({ name }) => name));
  assert.ok(rows("Metrics").length > 0);
  for (const [name] of rows("Metrics")) assert.ok(names.has(name!), name);
});

Deno.test("migration: every path of the plugin is in the description of the interface", async () => {
  const described = await Deno.readTextFile(new URL("docs/http-interface.md", root));
  assert.ok(rows("Paths").length > 0);
  for (const [, path] of rows("Paths")) assert.ok(described.includes(`${path}\``), path);
});

Deno.test("migration: every error code of the plugin has the documented status", () => {
  assert.ok(rows("Error codes").length > 0);
  for (const [code, , status] of rows("Error codes")) {
    const entry = (catalogue as Readonly<Record<string, { status: number }>>)[code!];
    assert.equal(entry?.status, Number(status), code);
  }
});
