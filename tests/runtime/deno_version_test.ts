import assert from "node:assert/strict";
import { explainDeno, PINNED_DENO } from "../../src/runtime/deno_version.ts";

const VERDICTS: [version: string, verdict: string][] = [
  ["1.46.3", "unfit"],
  ["2.6.9", "unfit"],
  ["2.7.14", "fit"],
  ["2.7.15", "fit"],
  ["2.8.0", "unfit"],
  ["2.8.2", "unfit"],
  ["2.8.3", "slow"],
  ["2.9.6", "slow"],
  ["2.10.0", "slow"],
  ["3.0.0-rc.1", "slow"],
];

for (const [version, verdict] of VERDICTS) {
  Deno.test(`explainDeno: ${version} is ${verdict}`, () => {
    const { verdict: found, reason } = explainDeno(version);
    assert.equal(found, verdict);
    assert.equal(reason.includes(PINNED_DENO), verdict !== "fit");
  });
}

Deno.test("explainDeno: the tests run on the pinned version, which every pin names", async () => {
  assert.equal(Deno.version.deno, PINNED_DENO);
  for (const file of ["README.md", ".ci/run"]) {
    const text = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    const pins = [...text.matchAll(/deno@(\d+\.\d+\.\d+)/g)].map(([, version]) => version);
    assert.ok(pins.length > 0, `${file} names no version`);
    for (const pin of pins) assert.equal(pin, PINNED_DENO, file);
  }
});
