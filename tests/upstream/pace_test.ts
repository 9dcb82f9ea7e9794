import assert from "node:assert/strict";
import { getAtPace, Pace } from "../../src/upstream/pace.ts";
import { exchangeWith } from "../fixtures/store_exchange.ts";

Deno.test("Pace: requests beyond the quota begin later, one interval apart", async () => {
  const begun: number[] = [];
  const pace = new Pace(50);
  const { signal } = new AbortController();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: 6 }, async () => {
    await pace.turn("retrieve-instance", signal);
    begun.push(performance.now() - startMs);
  }));
  // Timers may fire late on a busy machine, never early.
  begun.forEach((ms, index) => assert.ok(ms >= index * 20 - 2, `${index} began after ${ms} ms`));
});

Deno.test("Pace: each transaction has a quota of its own", async () => {
  const nowMs = 1000;
  const pace = new Pace(0.001, () => nowMs);
  const { signal } = new AbortController();
  for (const name of ["search-instances", "retrieve-instance", "retrieve-metadata"] as const) {
    await pace.turn(name, signal);
    const second = new AbortController();
    const turn = pace.turn(name, second.signal);
    second.abort(new Error("it waited"));
    await assert.rejects(turn, /it waited/);
  }
});

Deno.test("getAtPace: a request has the quota of its transaction", async () => {
  const turns: string[] = [];
  const pace = new Pace(0);
  pace.turn = (transaction) => Promise.resolve(void turns.push(transaction));
  const exchange = exchangeWith("", () => Response.json([]));
  for (
    const target of [
      "/studies?StudyInstanceUID=1.2&limit=1",
      "/studies/1.2/series/3.4/instances/5.6?imageSetId=a",
      "/studies/1.2/series/3.4/metadata",
    ]
  ) await (await getAtPace(exchange, target, pace)).body?.cancel();
  assert.deepEqual(turns, ["search-studies", "retrieve-instance", "retrieve-metadata"]);
});

Deno.test("Pace: a client that has left takes no turn", async () => {
  const nowMs = 1000;
  const pace = new Pace(0.001, () => nowMs);
  const gone = AbortSignal.abort(new Error("the client left"));
  for (let turn = 0; turn < 3; turn++) {
    await assert.rejects(pace.turn("search-studies", gone), /the client left/);
  }
  const present = new AbortController();
  const turn = pace.turn("search-studies", present.signal);
  await new Promise((resolve) => setTimeout(resolve, 10));
  present.abort(new Error("it still waits"));
  await turn;
});
