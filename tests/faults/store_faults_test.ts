/**
 * Every fault of a store: what the client must receive, and that nothing is left over.
 */
import assert from "node:assert/strict";
import type { RawExchange, RawHandler } from "../fixtures/raw_origin.ts";
import { RawClient } from "../fixtures/raw_client.ts";
import { healthy, type Seen, startFaultBench } from "./fault_bench.ts";

interface Fault {
  readonly what: string;
  readonly play: RawHandler;
  readonly sees: Partial<Seen>;
  readonly server?: string;
  readonly upload?: number;
}

const MIB = 1024 * 1024;
const HEAD = "HTTP/1.1 200 OK\r\n";

async function stall(exchange: RawExchange): Promise<void> {
  await exchange.untilGone();
}

async function stallInside(exchange: RawExchange): Promise<void> {
  await exchange.write(`${HEAD}content-length: 10\r\n\r\nhalf`);
  await stall(exchange);
}

/** Writes something, then ends the connection. */
function says(...texts: string[]): RawHandler {
  return async (exchange) => {
    for (const text of texts) await exchange.write(text);
    exchange.close();
  };
}

/** Answers in this way the first times, then regularly. */
function first(times: number, handler: RawHandler): RawHandler {
  let count = 0;
  return (exchange) => count++ < times ? handler(exchange) : healthy(exchange);
}

const BAD_GATEWAY: Partial<Seen> = { status: 502, code: "NET-002" };
const TOO_LATE: Partial<Seen> = { status: 504, code: "NET-001" };
const CUT: Partial<Seen> = { body: "cut" };
const SERVED: Partial<Seen> = { status: 200, code: undefined, body: "served" };

const FAULTS: readonly Fault[] = [
  { what: "refuses the connection", server: "refusing", play: healthy, sees: BAD_GATEWAY },
  { what: "accepts, and does not answer", play: stall, sees: TOO_LATE },
  {
    what: "sends its headers a byte at a time",
    play: async (exchange) => {
      for (const byte of `${HEAD}x-slow: ${"y".repeat(1000)}`) {
        await exchange.write(byte);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    sees: TOO_LATE,
  },
  {
    what: "stalls inside a body, with IdleSeconds",
    server: "watched",
    play: stallInside,
    sees: CUT,
  },
  {
    what: "stalls inside a body, with IdleSeconds longer than TransferSeconds",
    server: "watched-for-long",
    play: stallInside,
    sees: CUT,
  },
  {
    what: "sends a long body in time, with IdleSeconds",
    server: "watched",
    play: async (exchange) => {
      await exchange.write(`${HEAD}content-length: 6\r\n\r\n`);
      for (const byte of "served") {
        await new Promise((resolve) => setTimeout(resolve, 250));
        await exchange.write(byte);
      }
    },
    sees: SERVED,
  },
  {
    what: "stops reading an upload",
    upload: 8 * MIB,
    play: (exchange) =>
      new Promise((resolve) => setTimeout(() => resolve(exchange.close()), 2_500)),
    sees: TOO_LATE,
  },
  { what: "cuts before it answers", play: says(), sees: BAD_GATEWAY },
  { what: "cuts inside its headers", play: says(`${HEAD}content-le`), sees: BAD_GATEWAY },
  { what: "cuts an upload", upload: 8 * MIB, play: says(), sees: BAD_GATEWAY },
  {
    what: "cuts a body of known length",
    play: says(`${HEAD}content-length: 9\r\n\r\nhalf`),
    sees: CUT,
  },
  {
    what: "cuts a chunked body",
    play: says(`${HEAD}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n`),
    sees: CUT,
  },
  {
    what: "answers an upload early, and reads no more",
    upload: 64 * MIB,
    play: async (exchange) => {
      await exchange.answer(413, "too large", { connection: "close" });
      await exchange.lingeringClose(500);
    },
    sees: { status: 413, body: "too large" },
  },
  { what: "answers garbage", play: says("SSH-2.0-OpenSSH_9.2\r\n"), sees: BAD_GATEWAY },
  {
    what: "answers bytes of no meaning",
    play: says("\x00\x01\x02\xff".repeat(100)),
    sees: BAD_GATEWAY,
  },
  {
    what: "answers with a status of 999",
    play: says("HTTP/1.1 999 ?\r\ncontent-length: 0\r\n\r\n"),
    sees: BAD_GATEWAY,
  },
  {
    what: "answers with a status of 600",
    play: says("HTTP/1.1 600 ?\r\ncontent-length: 0\r\n\r\n"),
    sees: BAD_GATEWAY,
  },
  {
    what: "switches protocols unasked",
    play: says("HTTP/1.1 101 Yes\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    sees: BAD_GATEWAY,
  },
  { what: "answers with a header of no name", play: says(`${HEAD}: x\r\n\r\n`), sees: BAD_GATEWAY },
  {
    what: "says two lengths",
    play: says(`${HEAD}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`),
    sees: BAD_GATEWAY,
  },
  {
    what: "says a negative length",
    play: says(`${HEAD}content-length: -1\r\n\r\nabcd`),
    sees: BAD_GATEWAY,
  },
  {
    what: "sends more than it said",
    play: says(`${HEAD}content-length: 6\r\n\r\nserved and more`),
    sees: SERVED,
  },
  {
    what: "sends a chunk of no size",
    play: says(`${HEAD}transfer-encoding: chunked\r\n\r\nxyz\r\nhalf\r\n0\r\n\r\n`),
    sees: CUT,
  },
  {
    what: "sends a chunk without end",
    play: says(`${HEAD}transfer-encoding: chunked\r\n\r\n${"0".repeat(10_000)}4\r\nhalf`),
    sees: CUT,
  },
  {
    what: "floods one header",
    play: says(
      `${HEAD}x: `,
      ..."y".repeat(64).split("").map((c) => c.repeat(64 * 1024)),
      "\r\n\r\n",
    ),
    sees: BAD_GATEWAY,
  },
  {
    what: "floods many headers",
    play: says(
      HEAD,
      ...Array.from({ length: 2000 }, (_, n) => `x-${n}: y\r\n`),
      "content-length: 0\r\n\r\n",
    ),
    sees: BAD_GATEWAY,
  },
  {
    what: "says 103 a hundred times before it answers",
    play: async (exchange) => {
      for (let count = 0; count < 100; count++) {
        await exchange.write("HTTP/1.1 103 Early Hints\r\n\r\n");
      }
      await healthy(exchange);
    },
    sees: SERVED,
  },
  {
    what: "throttles once",
    server: "again",
    play: first(1, (exchange) => exchange.answer(429, "slow down", { "retry-after": "1" })),
    sees: SERVED,
  },
  {
    what: "throttles for long",
    server: "again",
    play: (exchange) => exchange.answer(429, "slow down", { "retry-after": "3600" }),
    sees: { status: 429, code: undefined, retryAfter: "3600", body: "slow down" },
  },
  { what: "cuts once", server: "again", play: first(1, says()), sees: SERVED },
  {
    what: "is unavailable once",
    server: "again",
    play: first(1, (exchange) => exchange.answer(503, "no")),
    sees: SERVED,
  },
  {
    what: "is unavailable",
    server: "again",
    play: (exchange) => exchange.answer(503, "maintenance"),
    sees: { status: 503, code: undefined, body: "maintenance" },
  },
];

Deno.test("faults: a store", async (t) => {
  await using bench = await startFaultBench([]);
  for (const { what, play, sees, server = "once", upload } of FAULTS) {
    await t.step(`that ${what}`, async () => {
      bench.store.play(play);
      const seen = await bench.ask(server, upload);
      assert.deepEqual({ ...seen, ...sees }, seen, JSON.stringify(seen));
      bench.store.play(healthy);
      assert.equal((await bench.ask("once")).body, "served");
      await bench.untilSettled();
    });
  }

  await t.step("that stalls within a body until the client disconnects", async () => {
    bench.store.play(stallInside);
    {
      using client = await RawClient.connect(bench.gateway.url);
      await client.write(client.head("GET", "/dicom-web/once/studies"));
      await (await client.answer()).body.next();
    }
    bench.store.play(healthy);
    await bench.untilSettled();
  });

  await t.step("that hides a second response behind the first: no client receives it", async () => {
    bench.store.play(async (exchange) => {
      const hidden = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhidden";
      await exchange.write(`${HEAD}content-length: 6\r\n\r\nserved${hidden}`);
    });
    for (let count = 0; count < 10; count++) assert.equal((await bench.ask("once")).body, "served");
    bench.store.play(healthy);
    await bench.untilSettled();
  });

  await t.step("that does all of it to fifty concurrent clients", async () => {
    const plays = FAULTS.filter(({ server, upload, play }) =>
      !server && !upload && play !== stallInside
    ).map(({ play }) => play);
    let count = 0;
    bench.store.play((exchange) => plays[count++ % plays.length]!(exchange));
    const seen = await Promise.all(Array.from({ length: 50 }, () => bench.ask("once")));
    for (const { status, code, body } of seen) {
      assert.ok(code !== undefined || body === "cut" || status === 200 && body === "served", body);
    }
    bench.store.play(healthy);
    await bench.untilSettled();
  });
  assert.doesNotMatch(bench.gateway.output(), /INT-001/);
});
