import assert from "node:assert/strict";
import { retryAfterMs } from "../../src/network/retry_after.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

/** RFC 9110, section 10.2.3. */
const FIELDS: [field: string | undefined, ms: number | undefined][] = [
  [undefined, undefined],
  ["", undefined],
  ["0", 0],
  ["7", 7_000],
  [" 7 ", 7_000],
  ["0.5", 500],
  ["99999999999", 99_999_999_999_000],
  ["9".repeat(400), Infinity],
  ["Thu, 01 Jan 2026 00:00:03 GMT", 3_000],
  ["Thu, 01 Jan 2015 00:00:03 GMT", 0],
  ["soon", undefined],
  ["7 s", undefined],
];

for (const [field, ms] of FIELDS) {
  Deno.test(`retryAfterMs: ${field?.slice(0, 40)} is ${ms} ms`, () => {
    const headers = new Headers(field === undefined ? {} : { "retry-after": field });
    assert.equal(retryAfterMs(headers, NOW), ms);
  });
}
