import assert from "node:assert/strict";
import { JwksCache } from "../../../src/credentials/validation/jwks_cache.ts";
import type { ProviderConnection } from "../../../src/credentials/provider_exchange.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";
import { within } from "../../fixtures/deadline.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { type KeyServer, makeIssuerKey, startKeyServer } from "../../fixtures/jwt_issuer.ts";
import { failureOf, never, withConnection } from "../source_harness.ts";

const MINUTE = 60_000;
const first = await makeIssuerKey("RS256", "first");
const second = await makeIssuerKey("RS256", "second");

interface Parts {
  readonly server: KeyServer;
  readonly cache: JwksCache;
  readonly clock: FakeClock;
  readonly connection: ProviderConnection;
  /** Number of keys found for a kid. */
  count(kid?: string): Promise<number>;
}

async function withCache(test: (parts: Parts) => Promise<void>): Promise<void> {
  await using server = startKeyServer(first);
  const clock = new FakeClock();
  await withConnection([server.url], async (connection) => {
    const cache = new JwksCache({ ...connection, locate: () => `${server.url}/keys` });
    await test({
      server,
      cache,
      clock,
      connection,
      async count(kid) {
        const header = { alg: "RS256", ...(kid !== undefined && { kid }) };
        return (await cache.find(header, never)).length;
      },
    });
  }, { clock });
}

/** Waits until the cache has read a response. */
async function untilRequests(server: KeyServer, count: number): Promise<void> {
  while (server.requests.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Makes the server accept requests without responding. */
function hang(server: KeyServer): () => void {
  const hanging = Promise.withResolvers<void>();
  server.answer = async () => {
    await hanging.promise;
    return new Response(null, { status: 503 });
  };
  return () => {
    server.answer = undefined;
    hanging.resolve();
  };
}

Deno.test("JwksCache fetches keys once and renews them after five minutes in the background", () =>
  withCache(async ({ server, cache, clock, count }) => {
    await cache.load(never);
    for (let i = 0; i < 100; i++) assert.equal(await count("first"), 1);
    await clock.advance(5 * MINUTE - 1);
    await cache.load(never);
    assert.equal(server.requests.length, 1);
    server.keys = [second];
    await clock.advance(1);
    assert.equal(await count("first"), 1, "the check that begins the renewal does not wait for it");
    await untilRequests(server, 2);
    assert.equal(await count("first"), 0, "a withdrawn key is trusted no longer");
    assert.equal(await count("second"), 1);
    assert.equal(server.requests.length, 2);
  }));

Deno.test("JwksCache: a key set that hangs delays no check of a token whose key is known", () =>
  withCache(async ({ server, cache, clock, count }) => {
    await cache.load(never);
    const release = hang(server);
    // 23 hours, with the timeout of a request between checks; the checks do not move the clock.
    for (let half = 0; half < 46; half++) {
      await clock.advance(30 * MINUTE);
      assert.equal(await within(10_000, "a check", count("first")), 1);
      await untilRequests(server, half + 2);
    }
    assert.equal(server.requests.length, 47, "one request at a time");
    release();
  }));

Deno.test("JwksCache: while a key set hangs, tokens with an unknown key wait for the one pending request", () =>
  withCache(async ({ server, cache, clock, count }) => {
    await cache.load(never);
    const release = hang(server);
    await clock.advance(MINUTE);
    const unknown = Array.from({ length: 50 }, (_, i) =>
      failureOf(
        cache.find({ alg: "RS256", kid: `made-up-${i}` }, never),
      ));
    await untilRequests(server, 2);
    assert.equal(await count("first"), 1);
    await clock.advance(2500);
    for (const failure of unknown) assert.equal((await failure).code, "NET-001");
    assert.equal(await count("made-up"), 0, "no further request for half a minute");
    assert.equal(server.requests.length, 2);
    release();
  }));

Deno.test("JwksCache: after an hour without a check keys are renewed before they are used", () =>
  withCache(async ({ server, cache, clock, count }) => {
    await cache.load(never);
    server.keys = [second];
    await clock.advance(60 * MINUTE);
    assert.deepEqual(await Promise.all([count("first"), count("first")]), [0, 0]);
    assert.equal(server.requests.length, 2);
  }));

Deno.test("JwksCache fetches an unknown key, so that a rotation is noticed at once", () =>
  withCache(async ({ server, clock, count }) => {
    assert.equal(await count("first"), 1);
    server.keys = [first, second];
    await clock.advance(30_000);
    assert.equal(await count("second"), 1);
    assert.equal(server.requests.length, 2);
  }));

Deno.test("JwksCache does not fetch for every made-up key identifier", () =>
  withCache(async ({ server, clock, count }) => {
    for (let second = 0; second < 300; second++) {
      assert.equal(await count(`made-up-${second}`), 0);
      await clock.advance(1000);
    }
    // At the start and then every 30 s.
    assert.equal(server.requests.length, 10);
  }));

Deno.test("JwksCache uses its keys for a day while they cannot be renewed", () =>
  withCache(async ({ server, cache, clock, count }) => {
    await cache.load(never);
    server.answer = () => new Response(null, { status: 503 });
    await clock.advance(10 * MINUTE);
    for (let i = 0; i < 50; i++) assert.equal(await count("first"), 1);
    await untilRequests(server, 2);
    assert.equal(await count("first"), 1);
    assert.equal(server.requests.length, 2, "each look is not another attempt");
    await clock.advance(24 * 60 * MINUTE);
    assert.equal((await failureOf(cache.load(never))).code, "AUTH-003");
    server.answer = undefined;
    assert.equal(await count("first"), 1);
  }));

const bad: [name: string, answer: () => Response | Promise<Response>, ErrorCode, RegExp][] = [
  ["404", () => new Response(null, { status: 404 }), "TOK-004", /answered 404/],
  ["503", () => new Response(null, { status: 503 }), "AUTH-003", /answered 503/],
  ["429", () => new Response(null, { status: 429 }), "AUTH-003", /answered 429/],
  [
    "a redirect",
    () => new Response(null, { status: 302, headers: { location: "https://evil.test/" } }),
    "NET-004",
    /answered 302, a redirect to https:\/\/evil\.test$/,
  ],
  ["a login page", () => new Response("<html>"), "TOK-004", /is no JWK Set/],
  ["JSON that is no JWK Set", () => Response.json({ keys: "none" }), "TOK-004", /is no JWK Set/],
  ["null", () => Response.json(null), "TOK-004", /is no JWK Set/],
  ["too much", () => new Response("x".repeat(70_000)), "TOK-005", /more than 65536 bytes/],
];

for (const [name, answer, code, message] of bad) {
  Deno.test(`JwksCache fails with ${code} if the key set is ${name}`, () =>
    withCache(async ({ server, cache }) => {
      server.answer = answer;
      const error = await failureOf(cache.load(never));
      assert.equal(error.code, code);
      assert.match(error.message, message);
    }));
}

Deno.test("JwksCache names the key set without its query", () =>
  withCache(async ({ server, connection }) => {
    server.answer = () => new Response(null, { status: 404 });
    const cache = new JwksCache({ ...connection, locate: () => `${server.url}/keys?p=dicom` });
    const { message, troubleshooting } = await failureOf(cache.load(never));
    assert(message.includes(`the key set at ${server.url}/keys answered 404`), message);
    assert.match(troubleshooting[0] ?? "", /JWKSUri/);
  }));

Deno.test("JwksCache waits no longer than half the time of a token request", () =>
  withCache(async ({ server, cache, clock }) => {
    const hanging = Promise.withResolvers<Response>();
    const asked = Promise.withResolvers<void>();
    server.answer = () => {
      asked.resolve();
      return hanging.promise;
    };
    const failing = failureOf(cache.load(never));
    await asked.promise;
    await clock.advance(2500);
    assert.equal((await failing).code, "NET-001");
    hanging.resolve(new Response());
  }));

Deno.test("JwksCache continues a request for the others when one caller aborts", () =>
  withCache(async ({ server, cache }) => {
    const answer = Promise.withResolvers<void>();
    server.answer = async () => {
      await answer.promise;
      return Response.json({ keys: [first.publicJwk] });
    };
    const leaving = new AbortController();
    const left = assert.rejects(cache.load(leaving.signal), { message: "gone" });
    const staying = cache.load(never);
    await untilRequests(server, 1);
    leaving.abort(new Error("gone"));
    await left;
    answer.resolve();
    await staying;
    assert.equal(server.requests.length, 1);
  }));
