import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { isRepeatable, isUnavailable, StoreRetries } from "../../src/upstream/store_retries.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function retries(configured: Partial<{ maxAttempts: number; budget: number }> = {}) {
  return new StoreRetries({
    configured: {
      maxAttempts: 3,
      initialDelayMs: 100,
      maxDelayMs: 5_000,
      budget: 0.1,
      ...configured,
    },
    random: () => 0,
    wallClock: () => NOW,
  });
}

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

/** An outcome, and the wait before the second attempt. */
const OUTCOMES: [what: string, outcome: unknown, delayMs: number | undefined][] = [
  ["no connection", new GatewayError("NET-002", "refused"), 100],
  ["a connection that timed out", new GatewayError("NET-001", "timed out"), 100],
  ["an untrusted certificate", new GatewayError("NET-003", "untrusted"), undefined],
  ["a bug", new TypeError("bug"), undefined],
  ["502", answer(502), 100],
  ["503", answer(503), 100],
  ["504", answer(504), 100],
  ["500", answer(500), undefined],
  ["501", answer(501), undefined],
  ["404", answer(404), undefined],
  ["200", answer(200), undefined],
  ["429 that names no time", answer(429), undefined],
  ["429 with seconds", answer(429, "2"), 2_000],
  ["429 with a date", answer(429, "Thu, 01 Jan 2026 00:00:03 GMT"), 3_000],
  ["503 with seconds", answer(503, "1"), 1_000],
  ["503 with a time beyond the longest wait", answer(503, "6"), undefined],
  ["503 with a time long past", answer(503, "Thu, 01 Jan 2015 00:00:03 GMT"), 100],
  ["503 with nonsense", answer(503, "soon"), 100],
];

for (const [what, outcome, delayMs] of OUTCOMES) {
  Deno.test(`StoreRetries: ${what} is ${delayMs ? `sent again after ${delayMs} ms` : "final"}`, () => {
    assert.equal(retries().delayMs(outcome, 1), delayMs);
  });
}

Deno.test("StoreRetries: the delay doubles, and attempts end", () => {
  const some = retries();
  const delays = [1, 2, 3].map((attempts) => some.delayMs(answer(503), attempts));
  assert.deepEqual(delays, [100, 200, undefined]);
});

Deno.test("StoreRetries: an outage gets a tenth more requests and ten, not twice as many", () => {
  const some = retries({ maxAttempts: 2 });
  let sent = 0;
  for (let request = 0; request < 10_000; request++) {
    some.began();
    sent++;
    if (some.delayMs(answer(503), 1) !== undefined) sent++;
  }
  assert.ok(sent > 10_900, `${sent} requests`);
  assert.ok(sent <= 11_010, `${sent} requests`);
});

Deno.test("StoreRetries: quiet times save up no more than ten", () => {
  const some = retries();
  for (let request = 0; request < 1_000; request++) some.began();
  const granted = Array.from({ length: 100 }, () => some.delayMs(answer(503), 1));
  assert.equal(granted.filter((delay) => delay !== undefined).length, 10);
});

Deno.test("StoreRetries: a budget of none sends nothing again", () => {
  assert.equal(retries({ budget: 0 }).delayMs(answer(503), 1), undefined);
});

Deno.test("isUnavailable: a client that was waited for in vain says nothing of the store", () => {
  const gaveUp = (status?: number) =>
    new GatewayError("NET-001", "x", { ...(status && { status }) });
  assert.equal(isUnavailable(gaveUp()), true);
  assert.equal(isUnavailable(gaveUp(408)), false);
  assert.equal(isUnavailable(new GatewayError("NET-005", "x")), false);
});
