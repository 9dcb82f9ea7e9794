import assert from "node:assert/strict";
import { Deadlines } from "../../src/upstream/deadlines.ts";
import { watchIdle } from "../../src/upstream/idle_watch.ts";

function watched(idleMs: number) {
  const time = { now: 0 };
  const deadlines = new Deadlines(() => time.now);
  const exchange = deadlines.begin(10_000, "the body");
  let source!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (given) => void (source = given),
  });
  exchange.signal.addEventListener("abort", () => source.error(exchange.signal.reason));
  const reader = watchIdle(body, { deadlines, exchange, idleMs, waitingFor: "the next piece" })
    .getReader();
  // The stream reads the next piece only when the last one has been handled.
  const passTo = async (ms: number) => {
    await new Promise((resolve) => setTimeout(resolve));
    time.now = ms;
    deadlines.sweep();
  };
  return { reader, source, passTo, end: () => deadlines.end(exchange) };
}

const PIECE = new Uint8Array(1);

Deno.test("watchIdle: a store that takes longer than the limit for a piece ends the exchange", async () => {
  const { reader, source, passTo } = watched(1_000);
  source.enqueue(PIECE);
  assert.equal((await reader.read()).done, false);
  const next = assert.rejects(reader.read(), /the next piece/);
  await passTo(999);
  await passTo(1_000);
  await next;
});

Deno.test("watchIdle: a slow client is no timeout of the store", async () => {
  const { reader, source, passTo, end } = watched(1_000);
  for (const ms of [900, 1_800, 9_000]) {
    source.enqueue(PIECE);
    assert.equal((await reader.read()).done, false);
    await passTo(ms);
  }
  source.close();
  assert.equal((await reader.read()).done, true);
  end();
});

Deno.test("watchIdle: the limit of the whole transfer still applies", async () => {
  const { reader, passTo } = watched(60_000);
  const next = assert.rejects(reader.read(), /the body/);
  await passTo(9_999);
  await passTo(10_000);
  await next;
});
