/**
 * Every fault of an identity provider: what the client must receive, and that nothing is left over.
 */
import assert from "node:assert/strict";
import type { RawExchange, RawHandler } from "../fixtures/raw_origin.ts";
import { healthy, type Seen, startFaultBench } from "./fault_bench.ts";

interface Fault {
  readonly server: string;
  readonly what: string;
  readonly play: RawHandler;
  readonly sees: Partial<Seen>;
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const MIB = 1024 * 1024;

/** Reads the request, then writes something and ends the connection. */
function says(...texts: string[]): RawHandler {
  return async (exchange) => {
    for await (const _ of exchange.body());
    for (const text of texts) await exchange.write(text);
    exchange.close();
  };
}

async function answers(exchange: RawExchange, status: number, body: unknown, headers = {}) {
  for await (const _ of exchange.body());
  await exchange.answer(status, JSON.stringify(body), {
    "content-type": "application/json",
    ...headers,
  });
}

const UNAVAILABLE: Partial<Seen> = { status: 503, code: "AUTH-003" };
const INVALID: Partial<Seen> = { status: 502, code: "TOK-005" };

const FAULTS: readonly Fault[] = [
  {
    server: "refusing-provider",
    what: "refuses the connection",
    play: healthy,
    sees: UNAVAILABLE,
  },
  {
    server: "stalls",
    what: "accepts, and does not answer",
    play: (exchange) => exchange.untilGone(),
    sees: { status: 504, code: "NET-001" },
  },
  {
    server: "stalls-inside",
    what: "stalls within its response",
    play: async (exchange) => {
      await exchange.write(`${HEAD}content-length: 100\r\n\r\n{"access_`);
      await exchange.untilGone();
    },
    sees: { status: 504, code: "NET-001" },
  },
  { server: "cuts", what: "cuts before it answers", play: says(), sees: UNAVAILABLE },
  {
    server: "cuts-inside",
    what: "cuts inside its answer",
    play: says(`${HEAD}content-length: 100\r\n\r\n{"access_token":"t","token_type":"Bearer"}`),
    sees: UNAVAILABLE,
  },
  {
    server: "early",
    what: "answers before it has read the request",
    play: async (exchange) => {
      await exchange.write(`${HEAD}content-length: 2\r\nconnection: close\r\n\r\n{}`);
      await exchange.lingeringClose(200);
    },
    sees: INVALID,
  },
  {
    server: "garbage",
    what: "answers garbage",
    play: says("SSH-2.0-OpenSSH_9.2\r\n"),
    sees: UNAVAILABLE,
  },
  {
    server: "login-page",
    what: "answers with a login page",
    play: says(
      "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>",
    ),
    sees: INVALID,
  },
  {
    server: "no-token",
    what: "forgets the token",
    play: (exchange) => answers(exchange, 200, { token_type: "Bearer", expires_in: 300 }),
    sees: INVALID,
  },
  {
    server: "wrong-length",
    what: "says two lengths",
    play: says(`${HEAD}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`),
    sees: UNAVAILABLE,
  },
  {
    server: "floods-headers",
    what: "floods headers",
    play: says(HEAD, ...Array.from({ length: 2000 }, (_, n) => `x-${n}: y\r\n`), "\r\n"),
    sees: UNAVAILABLE,
  },
  {
    server: "floods",
    what: "floods its answer",
    play: async (exchange) => {
      await exchange.write(`${HEAD}content-length: ${64 * MIB}\r\n\r\n`);
      for (let count = 0; count < 64; count++) await exchange.write(new Uint8Array(MIB));
    },
    sees: INVALID,
  },
  {
    server: "throttles",
    what: "throttles",
    play: (exchange) => answers(exchange, 429, { error: "slow_down" }, { "retry-after": "17" }),
    sees: { ...UNAVAILABLE, retryAfter: "17" },
  },
  {
    server: "fails",
    what: "fails",
    play: (exchange) => answers(exchange, 500, { error: "server_error" }),
    sees: UNAVAILABLE,
  },
  {
    server: "redirects",
    what: "redirects",
    play: (exchange) => answers(exchange, 302, {}, { location: "http://127.0.0.1:1/" }),
    sees: { status: 502, code: "NET-004" },
  },
  {
    server: "switches",
    what: "switches protocols",
    play: says("HTTP/1.1 101 Yes\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    sees: UNAVAILABLE,
  },
];

const EARLY = "expires-early";

/** Issues tokens `t1`, `t2`, … for five minutes. */
function givesTokens(): RawHandler {
  let issued = 0;
  return (exchange) =>
    answers(exchange, 200, {
      access_token: `t${++issued}`,
      token_type: "Bearer",
      expires_in: 300,
    });
}

Deno.test("faults: an identity provider", async (t) => {
  const signed = FAULTS.map(({ server }) => server).filter((name) => name !== "refusing-provider");
  await using bench = await startFaultBench([...signed, EARLY]);
  for (const { what, play, sees, server } of FAULTS) {
    await t.step(`that ${what}`, async () => {
      bench.provider.play(play);
      const before = bench.store.exchanges;
      const seen = await bench.ask(server);
      assert.deepEqual({ ...seen, ...sees }, seen, JSON.stringify(seen));
      assert.equal(bench.store.exchanges, before, "the store was asked without a token");
      await bench.untilSettled();
    });
  }

  await t.step("whose tokens expire early: one new token, and no storm of requests", async () => {
    bench.provider.play(givesTokens());
    // Each token is valid for three requests.
    const uses = new Map<string, number>();
    bench.store.play(async (exchange) => {
      const token = exchange.headers.get("authorization") ?? "";
      const used = (uses.get(token) ?? 0) + 1;
      uses.set(token, used);
      await exchange.answer(used <= 3 ? 200 : 401, used <= 3 ? "served" : "");
    });
    const statuses: number[] = [];
    for (let count = 0; count < 20; count++) statuses.push((await bench.ask(EARLY)).status);
    assert.deepEqual(statuses, [...Array(6).fill(200), ...Array(14).fill(401)]);
    assert.equal(uses.size, 2, "a store that refuses every token must not load the provider");
    bench.store.play(healthy);
    await bench.untilSettled();
  });
});
