import assert from "node:assert/strict";
import type { Distance } from "../../../src/dicomweb/profile/profile.ts";
import { explainDistance } from "../../../src/tools/doctor/examine_distance.ts";

const CASES: readonly [roundTripMs: number, Distance, outcome: string, message: RegExp][] = [
  [0.04, "near", "ok", /^A round trip takes 0 ms; Distance is "near"\.$/],
  [5, "near", "ok", /takes 5 ms/],
  [5.1, "near", "warn", /^A round trip takes 5\.1 ms, and Distance is "near"\.$/],
  [0.04, "far", "ok", /Distance is "far"/],
  [120.04, "far", "ok", /takes 120 ms/],
];

for (const [roundTripMs, distance, outcome, message] of CASES) {
  Deno.test(`doctor: ${roundTripMs} ms to a ${distance} store: ${outcome}`, () => {
    const found = explainDistance("store.example:443", roundTripMs, distance);
    assert.equal(found.outcome, outcome);
    assert.match(found.message, message);
    assert.equal(found.advice.length > 0, outcome === "warn");
    assert.match(found.advice.join(), outcome === "warn" ? /"Distance": "far"/ : /^$/);
  });
}
