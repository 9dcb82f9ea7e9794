import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import {
  availabilityOf,
  isRepeatable,
  wantedDelayMs,
} from "../../src/upstream/store_resilience.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function answer(status: number, retryAfter?: string): Response {
  return new Response(null, { status, headers: retryAfter ? { "retry-after": retryAfter } : {} });
}

/** RFC 9110, section 9.2.2. */
const REPEATABLE: [method: string, hasBody: boolean, isRepeatable: boolean][] = [
  ["GET", false, true],
  ["HEAD", false, true],
  ["OPTIONS", false, true],
  ["DELETE", false, true],
  ["PUT", false, true],
  ["PUT", true, false],
  ["DELETE", true, false],
  ["POST", false, false],
  ["PATCH", false, false],
];

for (const [method, hasBody, expected] of REPEATABLE) {
  const what = `${method} ${hasBody ? "with" : "without"} a body`;
  Deno.test(`isRepeatable: ${what} ${expected ? "is" : "is not"}`, () => {
    assert.equal(isRepeatable(method, hasBody), expected);
  });
}

const OUTCOMES: [what: string, outcome: unknown, delayMs: number | undefined][] = [
  ["no connection", new GatewayError("NET-002", "refused"), 0],
  ["a connection that timed out", new GatewayError("NET-001", "timed out"), 0],
  ["an untrusted certificate", new GatewayError("NET-003", "untrusted"), undefined],
  ["a bug", new TypeError("bug"), undefined],
  ["502", answer(502), 0],
  ["503", answer(503), 0],
  ["504", answer(504), 0],
  ["500", answer(500), undefined],
  ["501", answer(501), undefined],
  ["404", answer(404), undefined],
  ["200", answer(200), undefined],
  ["429 that names no time", answer(429), undefined],
  ["429 with seconds", answer(429, "2"), 2_000],
  ["429 with a date", answer(429, "Thu, 01 Jan 2026 00:00:03 GMT"), 3_000],
  ["503 with seconds", answer(503, "1"), 1_000],
  ["503 with a longer time", answer(503, "6"), 6_000],
  ["503 with a time long past", answer(503, "Thu, 01 Jan 2015 00:00:03 GMT"), 0],
  ["503 with nonsense", answer(503, "soon"), 0],
];

for (const [what, outcome, delayMs] of OUTCOMES) {
  const expected = delayMs === undefined ? "is final" : `may be repeated after ${delayMs} ms`;
  Deno.test(`wantedDelayMs: ${what} ${expected}`, () => {
    assert.equal(wantedDelayMs(outcome, NOW), delayMs);
  });
}

Deno.test("availabilityOf: a client that was too slow shows nothing of the store", () => {
  const gaveUp = (status?: number) =>
    new GatewayError("NET-001", "x", { ...(status && { status }) });
  assert.equal(availabilityOf(gaveUp()), "unavailable");
  assert.equal(availabilityOf(gaveUp(408)), "unknown");
  assert.equal(availabilityOf(new GatewayError("NET-005", "x")), "unknown");
  assert.equal(availabilityOf(answer(500)), "available");
});
