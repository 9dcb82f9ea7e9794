import assert from "node:assert/strict";
import { createQuotaMemory, QuotaTable } from "../../../src/gateway/steps/quota_table.ts";

const LIMIT = { requests: 60, windowMs: 60_000 };

function fixture(): {
  readonly table: QuotaTable;
  move(ms: number): void;
  memory: SharedArrayBuffer;
} {
  let nowMs = Date.UTC(2026, 0, 1);
  const now = () => nowMs;
  const memory = createQuotaMemory(now);
  return { table: new QuotaTable(memory, now), move: (ms) => nowMs += ms, memory };
}

Deno.test("QuotaTable: a full quota passes at once, then one request per interval", () => {
  const { table, move } = fixture();
  for (let left = 59; left >= 0; left--) {
    const { isExhausted, remaining, retryAfterMs } = table.take("a", LIMIT);
    assert.deepEqual([isExhausted, remaining, retryAfterMs], [false, left, 0]);
  }
  const refused = table.take("a", LIMIT);
  assert.equal(refused.isExhausted, true);
  assert.equal(Math.ceil(refused.retryAfterMs), 1000);
  assert.equal(Math.ceil(refused.fullAfterMs), 60_000);
  move(1000);
  assert.equal(table.take("a", LIMIT).isExhausted, false);
  assert.equal(table.take("a", LIMIT).isExhausted, true);
  move(60_000);
  assert.equal(table.look("a", LIMIT).remaining, 60);
});

Deno.test("QuotaTable: rejected requests use no quota, so that a persistent client recovers", () => {
  const { table, move } = fixture();
  for (let i = 0; i < 1000; i++) table.take("a", LIMIT);
  move(1000);
  assert.equal(table.take("a", LIMIT).isExhausted, false);
});

Deno.test("QuotaTable: clients have separate quotas", () => {
  const { table } = fixture();
  for (let i = 0; i < 60; i++) table.take("a", LIMIT);
  assert.equal(table.look("a", LIMIT).isExhausted, true);
  assert.equal(table.take("b", LIMIT).remaining, 59);
});

Deno.test("QuotaTable: returned quota can be used again, up to the limit", () => {
  const { table } = fixture();
  table.take("a", LIMIT);
  table.giveBack("a", LIMIT);
  table.giveBack("a", LIMIT);
  table.giveBack("b", LIMIT);
  assert.equal(table.look("a", LIMIT).remaining, 60);
  assert.equal(table.look("b", LIMIT).remaining, 60);
});

for (const [requests, windowMs] of [[1, 1], [1, 86_400_000], [1_000_000, 60_000], [7, 1000]]) {
  Deno.test(`QuotaTable: all of ${requests} in ${windowMs} ms are accepted`, () => {
    const { table } = fixture();
    const limit = { requests: requests!, windowMs: windowMs! };
    let passed = 0;
    while (passed <= requests! * 1.01 && !table.take("a", limit).isExhausted) passed++;
    assert(passed >= requests! && passed <= requests! * 1.0001, String(passed));
  });
}

Deno.test("QuotaTable: neither a clock set back nor a smaller limit locks a client out", () => {
  const { table, move } = fixture();
  for (let i = 0; i < 60; i++) table.take("a", LIMIT);
  move(-3_600_000);
  assert.equal(table.take("a", LIMIT).remaining, 59);
  for (let i = 0; i < 60; i++) table.take("b", { requests: 60, windowMs: 86_400_000 });
  assert.equal(table.take("b", { requests: 2, windowMs: 1000 }).isExhausted, false);
});

Deno.test("QuotaTable: memory is fixed, and the callers with the most use keep their entries", () => {
  const { table, memory } = fixture();
  const { byteLength } = memory;
  for (let i = 0; i < 60; i++) table.take("heavy", LIMIT);
  for (let i = 0; i < 100_000; i++) table.take(`client ${i}`, LIMIT);
  assert.equal(memory.byteLength, byteLength);
  assert.equal(table.look("heavy", LIMIT).isExhausted, true);
  assert.equal(table.take("newcomer", LIMIT).isExhausted, false);
});

Deno.test("QuotaTable: an exhausted quota stays exhausted for a window, which each call restarts", () => {
  let nowMs = 0;
  const memory = createQuotaMemory(() => 0);
  const [one, other] = [new QuotaTable(memory, () => nowMs), new QuotaTable(memory, () => nowMs)];
  const limit = { requests: 1, windowMs: 86_400_000 };
  assert.equal(one.look("alice", limit).isExhausted, false);
  for (let hours = 0; hours < 100; hours += 20) {
    nowMs = hours * 3_600_000;
    one.exhaust("alice", limit);
    assert.equal(other.look("alice", limit).isExhausted, true);
  }
  nowMs += 86_399_000;
  assert.equal(other.look("alice", limit).isExhausted, true);
  nowMs += 2_000;
  assert.equal(other.look("alice", limit).isExhausted, false);
});

Deno.test("QuotaTable: a name for a secret is the same in every worker and differs by gateway", () => {
  const [memory, another] = [createQuotaMemory(), createQuotaMemory()];
  const nameIn = (memory: SharedArrayBuffer) => new QuotaTable(memory, Date.now).nameOf("s3cret");
  assert.equal(nameIn(memory), nameIn(memory));
  assert.notEqual(nameIn(memory), nameIn(another));
  assert(!nameIn(memory).includes("s3cret"));
});

Deno.test("QuotaTable: several workers together let no more through than one", async () => {
  const nowMs = Date.now();
  const memory = createQuotaMemory(() => nowMs);
  const ready = new SharedArrayBuffer(4);
  const workers = 4;
  const requests = 100_000;
  const taken = await Promise.all(Array.from({ length: workers }, async () => {
    const worker = new Worker(import.meta.resolve("../../fixtures/quota_worker.ts"), {
      type: "module",
    });
    const { promise, resolve } = Promise.withResolvers<number>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage({ memory, nowMs, requests, attempts: requests / 2, ready, workers });
    const taken = await promise;
    worker.terminate();
    return taken;
  }));
  const sum = taken.reduce((sum, each) => sum + each);
  // Two that claim a new client's place at the same moment may lose one count.
  assert(sum >= requests && sum <= requests + workers, String(sum));
});

Deno.test("QuotaTable: what another worker takes while a client's place is claimed counts", () => {
  const memory = createQuotaMemory(() => 0);
  const [one, two] = [new QuotaTable(memory, () => 0), new QuotaTable(memory, () => 0)];
  const limit = { requests: 10, windowMs: 1000 };
  const { compareExchange } = Atomics;
  let isFirst = true;
  Atomics.compareExchange = ((...args: Parameters<typeof compareExchange>) => {
    const before = compareExchange(...args);
    if (isFirst) {
      isFirst = false;
      two.take("alice", limit);
    }
    return before;
  }) as typeof compareExchange;
  try {
    one.take("alice", limit);
  } finally {
    Atomics.compareExchange = compareExchange;
  }
  assert.equal(one.look("alice", limit).remaining, 8);
});
