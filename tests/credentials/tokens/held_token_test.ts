import assert from "node:assert/strict";
import { holdToken, renewalDelayMs } from "../../../src/credentials/tokens/held_token.ts";

const token = { value: "abc", type: "Bearer", issuedAtMs: 10_000, expiresAtMs: 310_000 };

for (
  const [nowMs, remainingMs] of [
    [10_000, 300_000],
    [70_000, 240_000],
    [0, 300_000],
    [320_000, -10_000],
  ] as const
) {
  Deno.test(`holdToken: at ${nowMs} ms the token has ${remainingMs} ms left, at most its lifetime`, () => {
    const clock = { now: () => nowMs, monotonic: () => 5, after: () => () => {} };
    assert.equal(holdToken(token, clock).endsAtMonotonicMs, 5 + remainingMs);
  });
}

for (
  const [bufferMs, delayMs] of [[60_000, 240_000], [600_000, 150_000], [0, 300_000]] as const
) {
  Deno.test(`renewalDelayMs: with a buffer of ${bufferMs} ms a token is renewed after ${delayMs} ms`, () => {
    assert.equal(renewalDelayMs(token, 10_000, bufferMs), delayMs);
  });
}
