import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { ConcurrencyLimit } from "../../src/upstream/concurrency_limit.ts";

const FOREVER = new AbortController().signal;

function limitOf(options: { maxConcurrent: number; maxQueued: number; queueMs?: number }) {
  let rejected = 0;
  const limit = new ConcurrencyLimit({
    server: "main",
    queueMs: 10_000,
    ...options,
    onReject: () => rejected++,
  });
  return { limit, rejected: () => rejected };
}

function isTooMany(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "NET-011" && error.status === 503 &&
    (error.retryAfterSeconds ?? 0) > 0;
}

Deno.test("ConcurrencyLimit: who finds room begins without waiting", () => {
  const { limit } = limitOf({ maxConcurrent: 2, maxQueued: 0 });
  assert.equal(limit.enter(FOREVER), undefined);
  assert.equal(limit.enter(FOREVER), undefined);
  assert.equal(limit.inFlight, 2);
  assert.throws(() => limit.enter(FOREVER), isTooMany);
  limit.leave();
  assert.equal(limit.enter(FOREVER), undefined);
});

Deno.test("ConcurrencyLimit: those who wait begin in the order in which they came, never more at once than allowed", async () => {
  const { limit, rejected } = limitOf({ maxConcurrent: 1, maxQueued: 3 });
  limit.enter(FOREVER);
  const order: number[] = [];
  const turns = [1, 2, 3].map((number) => limit.enter(FOREVER)!.then(() => order.push(number)));
  assert.equal(limit.queued, 3);
  assert.throws(() => limit.enter(FOREVER), isTooMany);
  for (const turn of turns) {
    limit.leave();
    assert.equal(limit.inFlight, 1);
    await turn;
  }
  assert.deepEqual(order, [1, 2, 3]);
  limit.leave();
  assert.deepEqual([limit.inFlight, limit.queued, rejected()], [0, 0, 1]);
});

Deno.test("ConcurrencyLimit: a newcomer does not overtake those who wait", async () => {
  const { limit } = limitOf({ maxConcurrent: 1, maxQueued: 3 });
  limit.enter(FOREVER);
  const first = limit.enter(FOREVER)!;
  limit.leave();
  const second = limit.enter(FOREVER);
  assert.ok(second instanceof Promise);
  await first;
  limit.leave();
  await second;
  assert.deepEqual([limit.inFlight, limit.queued], [1, 0]);
});

Deno.test("ConcurrencyLimit: a queue that does not move is 503 with Retry-After", async () => {
  const { limit, rejected } = limitOf({ maxConcurrent: 1, maxQueued: 3, queueMs: 20 });
  limit.enter(FOREVER);
  await assert.rejects(limit.enter(FOREVER)!, isTooMany);
  assert.deepEqual([limit.inFlight, limit.queued, rejected()], [1, 0, 1]);
});

Deno.test("ConcurrencyLimit: a client that leaves leaves the queue", async () => {
  const { limit } = limitOf({ maxConcurrent: 1, maxQueued: 3 });
  limit.enter(FOREVER);
  const client = new AbortController();
  const turn = limit.enter(client.signal)!;
  const next = limit.enter(FOREVER)!;
  client.abort(new DOMException("left", "AbortError"));
  await assert.rejects(turn, { name: "AbortError" });
  limit.leave();
  await next;
  assert.deepEqual([limit.inFlight, limit.queued], [1, 0]);
});

Deno.test("ConcurrencyLimit: a lower limit holds once enough have ended, a higher one at once", async () => {
  const { limit } = limitOf({ maxConcurrent: 3, maxQueued: 3 });
  for (let count = 0; count < 3; count++) limit.enter(FOREVER);
  const waiting = [1, 2, 3].map(() => limit.enter(FOREVER)!);
  limit.resize(1);
  limit.leave();
  limit.leave();
  assert.deepEqual([limit.inFlight, limit.queued], [1, 3]);
  limit.leave();
  await waiting[0];
  assert.deepEqual([limit.inFlight, limit.queued], [1, 2]);
  limit.resize(3);
  await Promise.all(waiting);
  assert.deepEqual([limit.inFlight, limit.queued], [3, 0]);
});
