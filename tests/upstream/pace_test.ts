import assert from "node:assert/strict";
import { Pace } from "../../src/upstream/pace.ts";

Deno.test("Pace: requests beyond the quota begin later, one interval apart", async () => {
  const begun: number[] = [];
  const pace = new Pace(50);
  const { signal } = new AbortController();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: 6 }, async () => {
    await pace.turn(signal);
    begun.push(performance.now() - startMs);
  }));
  // Timers may fire late on a busy machine, never early.
  begun.forEach((ms, index) => assert.ok(ms >= index * 20 - 2, `${index} began after ${ms} ms`));
});

Deno.test("Pace: a client that has left takes no turn", async () => {
  const nowMs = 1000;
  const pace = new Pace(0.001, () => nowMs);
  const gone = AbortSignal.abort(new Error("the client left"));
  for (let turn = 0; turn < 3; turn++) await assert.rejects(pace.turn(gone), /the client left/);
  const present = new AbortController();
  const turn = pace.turn(present.signal);
  await new Promise((resolve) => setTimeout(resolve, 10));
  present.abort(new Error("it still waits"));
  await turn;
});
