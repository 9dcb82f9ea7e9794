import assert from "node:assert/strict";
import type { ResilienceConfig } from "../../../src/config/keys/resilience.ts";
import type { Token } from "../../../src/credentials/token.ts";
import { settle } from "../../fixtures/fake_clock.ts";
import {
  failure,
  metric,
  MINUTE,
  never,
  NO_RETRY,
  valueOf,
  withManager,
} from "../token_manager_harness.ts";

Deno.test("TokenManager sends one token request under 1,000 concurrent requests", () =>
  withManager({}, async ({ source, manager, metrics }) => {
    const values = await Promise.all(
      Array.from({ length: 1000 }, () => valueOf(manager.token(never))),
    );
    assert.deepEqual(new Set(values), new Set(["token-1"]));
    assert.equal(source.requests, 1);
    assert.equal(await metric(metrics, "tokenAcquisitions", { status: "success" }), 1);
    assert.equal(await metric(metrics, "cacheMisses"), 1000);
    assert.equal(await metric(metrics, "cacheHits"), 0);
  }));

Deno.test("TokenManager returns a valid token without a promise", () =>
  withManager({}, async ({ manager, metrics }) => {
    assert.equal(manager.current(), undefined);
    await manager.token(never);
    const token = manager.token(never);
    assert(!(token instanceof Promise));
    assert.equal(token, manager.current());
    assert.equal(await metric(metrics, "cacheHits"), 1);
  }));

Deno.test("TokenManager renews in the background before expiry, and no request waits meanwhile", () =>
  withManager({ refreshBufferMs: MINUTE }, async ({ clock, source, manager }) => {
    await manager.token(never);
    await clock.advance(4 * MINUTE - 1);
    assert.equal(source.requests, 1, "too early");

    let deliver = (_token: Token) => {};
    source.answer = () => new Promise((resolve) => deliver = resolve);
    await clock.advance(1);
    assert.equal(source.requests, 2);
    const during = manager.token(never);
    assert(!(during instanceof Promise));
    assert.equal(during.value, "token-1");

    deliver(source.token("renewed"));
    await settle();
    const after = manager.token(never);
    assert(!(after instanceof Promise));
    assert.equal(after.value, "renewed");
  }));

Deno.test("TokenManager keeps renewing, so that only the first request ever waits", () =>
  withManager({ refreshBufferMs: 5000 }, async ({ clock, source, manager, metrics }) => {
    source.lifeMs = 20_000;
    await manager.token(never);
    for (let second = 0; second < 60; second++) {
      await clock.advance(1000);
      assert(!(manager.token(never) instanceof Promise), `a request waits at ${second} s`);
    }
    assert.equal(source.requests, 1 + 60 / 15);
    assert.equal(await metric(metrics, "cacheMisses"), 1);
  }));

Deno.test("TokenManager never sends a token request per request when the refresh buffer is longer than the lifetime", () =>
  withManager({ refreshBufferMs: 4 * MINUTE }, async ({ clock, source, manager, logger }) => {
    source.lifeMs = 20_000;
    for (let second = 0; second < 60; second++) {
      await manager.token(never);
      await clock.advance(1000);
    }
    assert.equal(source.requests, 1 + 60 / 10, "once per half life");
    assert.equal(logger.withCode("TOK-003").length, 1, "said once");
  }));

for (
  const [code, event] of [["AUTH-001", "auth_failure"], ["AUTH-003", undefined]] as const
) {
  const what = event === undefined ? "no security event" : "a security event";
  Deno.test(`TokenManager: a renewal that fails with ${code} is ${what}`, () =>
    withManager({ refreshBufferMs: MINUTE }, async ({ clock, source, manager, logger }) => {
      await manager.token(never);
      source.failWith(code);
      await clock.advance(4 * MINUTE);
      assert.equal(logger.withCode("TOK-006")[0]?.fields.event_type, event);
    }));
}
Deno.test("TokenManager does not log TOK-003 for Keycloak's default lifetime and the default refresh buffer", () =>
  withManager({ refreshBufferMs: 5 * MINUTE }, async ({ source, manager, logger }) => {
    source.lifeMs = 5 * MINUTE;
    await manager.token(never);
    assert.equal(logger.withCode("TOK-003").length, 0);
  }));

Deno.test("TokenManager uses the current token until it expires when renewals fail", () =>
  withManager({ refreshBufferMs: MINUTE }, async ({ clock, source, manager, logger, metrics }) => {
    await manager.token(never);
    source.failWith("AUTH-003");
    await clock.advance(5 * MINUTE - 1);
    assert.equal(await valueOf(manager.token(never)), "token-1");
    // At 0, 1, 3, 7, 15, 31 s into the last minute; the next attempt would come after the end.
    assert.equal(source.requests, 1 + 6);
    assert.equal(logger.withCode("TOK-006").length, 6);
    assert.equal(await metric(metrics, "errors", { error_code: "TOK-006" }), 6);
    await clock.advance(60 * MINUTE);
    assert.equal(source.requests, 1 + 6, "no request without demand");
    assert.equal((await failure(manager.token(never))).code, "AUTH-003");
    source.answer = undefined;
    assert.equal(await valueOf(manager.token(never)), "token-9");
  }));

Deno.test("TokenManager resumes renewals when the provider recovers", () =>
  withManager({ refreshBufferMs: MINUTE }, async ({ clock, source, manager, metrics }) => {
    await manager.token(never);
    source.failWith("NET-001");
    await clock.advance(4 * MINUTE + 500);
    source.answer = undefined;
    await clock.advance(500);
    assert.equal(manager.current()?.value, "token-3");
    await clock.advance(4 * MINUTE);
    assert.equal(manager.current()?.value, "token-4");
    source.failWith("NET-001");
    await clock.advance(4 * MINUTE + 1000);
    assert.equal(
      source.requests,
      4 + 2,
      "the second attempt comes after a second, as the first time",
    );
    assert.equal(await metric(metrics, "cacheMisses"), 1);
  }));

Deno.test("TokenManager respects Retry-After between failed renewals", () =>
  withManager({ refreshBufferMs: MINUTE }, async ({ clock, source, manager }) => {
    await manager.token(never);
    source.failWith("AUTH-003", 20);
    await clock.advance(4 * MINUTE + 19_999);
    assert.equal(source.requests, 2);
    await clock.advance(1);
    assert.equal(source.requests, 3);
  }));

Deno.test("TokenManager continues the token request when one of its callers aborts", () =>
  withManager({}, async ({ source, manager }) => {
    let deliver = (_token: Token) => {};
    source.answer = () => new Promise((resolve) => deliver = resolve);
    const leaving = new AbortController();
    const left = assert.rejects(Promise.resolve(manager.token(leaving.signal)), {
      message: "gone",
    });
    const stays = valueOf(manager.token(never));
    await settle();
    leaving.abort(new Error("gone"));
    await left;
    deliver(source.token("late"));
    assert.equal(await stays, "late");
    assert.equal(source.requests, 1);
  }));

Deno.test("TokenManager does not make an aborted caller wait", () =>
  withManager({}, async ({ source, manager }) => {
    source.answer = () => new Promise(() => {});
    const gone = AbortSignal.abort(new Error("gone"));
    await assert.rejects(Promise.resolve(manager.token(gone)), { message: "gone" });
    source.answer = undefined;
  }));

Deno.test("TokenManager replaces a token once, however many requests it was rejected for", () =>
  withManager({ shares: true }, async ({ source, manager, shared }) => {
    const token = await manager.token(never);
    const replaced = await Promise.all(Array.from({ length: 500 }, async () => {
      assert(await manager.invalidate(token), "asking again must give another token");
      return await valueOf(manager.token(never));
    }));
    assert.deepEqual(new Set(replaced), new Set(["token-2"]));
    assert.equal(source.requests, 2);
    assert.equal(shared.tokenAt("main:fingerprint")?.value, "token-2");
    assert(await manager.invalidate(token), "a late refusal of the old token");
    assert.equal(manager.current()?.value, "token-2");
  }));

Deno.test("TokenManager uses another worker's replacement of a rejected token", () =>
  withManager({ shares: true }, async ({ source, manager, another }) => {
    const other = another();
    const token = await manager.token(never);
    assert.equal(await valueOf(other.token(never)), "token-1");
    await other.invalidate(token);
    assert.equal(await valueOf(other.token(never)), "token-2");
    assert(await manager.invalidate(token));
    assert.equal(await valueOf(manager.token(never)), "token-2");
    assert.equal(source.requests, 2);
  }));

Deno.test("TokenManager limits token requests when every new token is rejected", () =>
  withManager({}, async ({ clock, source, manager }) => {
    source.lifeMs = 60 * MINUTE;
    for (let second = 0; second < 600; second += 5) {
      for (let i = 0; i < 100; i++) await manager.invalidate(await manager.token(never));
      await clock.advance(5000);
    }
    // At 0, 10, 30, 70, 130 s and then once a minute.
    assert.equal(source.requests, 1 + 12);
    assert(manager.current() !== undefined, "the last token stays in use");
  }));

Deno.test("TokenManager replaces a rejected token at once when the one before was valid for a while", () =>
  withManager({}, async ({ clock, source, manager }) => {
    for (let round = 1; round <= 10; round++) {
      const token = await manager.token(never);
      await clock.advance(20_000);
      assert(await manager.invalidate(token));
      await manager.token(never);
      assert.equal(source.requests, round + 1);
    }
  }));

Deno.test("TokenManager does not repeat a refused request for each of its own requests", () =>
  withManager({}, async ({ clock, source, manager }) => {
    source.failWith("AUTH-001");
    for (let i = 0; i < 100; i++) {
      assert.equal((await failure(manager.token(never))).code, "AUTH-001");
    }
    assert.equal(source.requests, 1);
    await clock.advance(5000);
    source.answer = undefined;
    assert.equal(await valueOf(manager.token(never)), "token-2");
  }));

Deno.test("TokenManager.renew sends a token request shortly after a refusal, too", () =>
  withManager({}, async ({ source, manager }) => {
    source.failWith("AUTH-001");
    await failure(manager.token(never));
    source.answer = undefined;
    await manager.renew(never);
    assert.equal(manager.current()?.value, "token-2");
  }));

Deno.test("TokenManager.renew replaces the token in memory and cache, and keeps it on failure", () =>
  withManager({ shares: true }, async ({ source, manager, shared }) => {
    await manager.token(never);
    source.failWith("TOK-001");
    assert.equal((await failure(manager.renew(never))).code, "TOK-001");
    assert.equal(manager.current()?.value, "token-1");
    source.answer = undefined;
    await manager.renew(never);
    assert.equal(manager.current()?.value, "token-3");
    assert.equal(shared.tokenAt("main:fingerprint")?.value, "token-3");
  }));

Deno.test("TokenManager ends waiting requests when it is closed", () =>
  withManager({}, async ({ source, manager }) => {
    source.answer = (signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    const waiting = failure(manager.token(never));
    await settle();
    await manager.close();
    assert.equal((await waiting).code, "INT-002");
    assert.equal((await failure(manager.token(never))).code, "INT-002");
    assert.equal(source.requests, 1);
  }));

Deno.test("TokenManager keeps token, secret and fingerprint out of its log", () =>
  withManager({}, async ({ clock, source, manager, logger }) => {
    await manager.token(never);
    source.failWith("AUTH-003");
    await clock.advance(5 * MINUTE);
    assert(logger.lines.length > 2);
    assert.doesNotMatch(JSON.stringify(logger.lines), /token-1|fingerprint/);
  }));

Deno.test("TokenManager records every token once in the audit trail, and every failure", () =>
  withManager({ shares: true }, async ({ clock, source, manager, another, events }) => {
    const recorded = () => events.splice(0).map(({ outcome, error_code }) => error_code ?? outcome);
    const [first] = await Promise.all([manager.token(never), manager.token(never)]);
    await another().token(never);
    assert.deepEqual(recorded(), ["acquired", "taken over"]);
    await clock.advance(4 * MINUTE);
    assert.deepEqual(recorded().sort(), ["renewed", "taken over"]);
    await manager.invalidate(first);
    assert.deepEqual(recorded(), [], "it is no longer the token in use");
    await manager.invalidate(await manager.token(never));
    assert.deepEqual(recorded(), ["dropped"]);
    source.failWith("TOK-001");
    await failure(manager.renew(never));
    const [refused, ...more] = events.splice(0);
    assert.deepEqual([refused?.outcome, refused?.error_code, more], [
      "not acquired",
      "TOK-001",
      [],
    ]);
    await manager.forget("revocation");
    assert.deepEqual(recorded(), ["revoked"]);
    assert(!JSON.stringify(events).includes("token-"));
  }));

// Clocks that jump.

Deno.test("TokenManager sends one token request, not one per request, when the wall clock jumps forward", () =>
  withManager({}, async ({ clock, source, manager }) => {
    await manager.token(never);
    clock.jumpWallClock(24 * 60 * MINUTE);
    for (let i = 0; i < 100; i++) await manager.token(never);
    assert.equal(source.requests, 2);
  }));

Deno.test("TokenManager does not use an expired token when the wall clock is set back", () =>
  withManager({ refreshBufferMs: 0, shares: true }, async ({ clock, source, manager }) => {
    await manager.token(never);
    source.failWith("AUTH-003");
    clock.jumpWallClock(-60 * MINUTE);
    await clock.advance(4 * MINUTE);
    assert.equal(await valueOf(manager.token(never)), "token-1");
    await clock.advance(MINUTE);
    // The cache still contains it, and by the wall clock it has an hour to live.
    source.answer = undefined;
    for (let i = 0; i < 100; i++) {
      assert.notEqual(await valueOf(manager.token(never)), "token-1");
    }
    assert.equal(source.requests, 3);
  }));

Deno.test("TokenManager does not reload its own expired token from the cache after a small jump", () =>
  withManager({ refreshBufferMs: 0, shares: true }, async ({ clock, source, manager }) => {
    await manager.token(never);
    clock.jumpWallClock(-20_000);
    source.failWith("AUTH-003");
    await clock.advance(5 * MINUTE);
    await failure(manager.token(never));
    assert.equal(manager.current(), undefined);
  }));

Deno.test("TokenManager still renews in time after the wall clock was set back", () =>
  withManager({ refreshBufferMs: MINUTE }, async ({ clock, manager, metrics }) => {
    await manager.token(never);
    clock.jumpWallClock(-60 * MINUTE);
    for (let minute = 0; minute < 60; minute++) {
      await clock.advance(MINUTE);
      await manager.token(never);
    }
    assert.equal(await metric(metrics, "cacheMisses"), 1);
  }));

Deno.test("TokenManager does not trust the age of a token stored by a clock ahead of its own", () =>
  withManager({ shares: true }, async ({ clock, source, shared, manager }) => {
    clock.jumpWallClock(60 * MINUTE);
    const future = source.token("from the future");
    clock.jumpWallClock(-60 * MINUTE);
    shared.put("main:fingerprint", future);
    assert.equal(await valueOf(manager.token(never)), "token-1");
  }));

// Retry and circuit breaker.

const RETRYING: ResilienceConfig = {
  circuitBreaker: { failureThreshold: 5, timeoutMs: MINUTE },
  retry: { ...NO_RETRY.retry, strategy: "exponential", maxAttempts: 3 },
};

for (const code of ["AUTH-003", "NET-001"] as const) {
  Deno.test(`TokenManager retries ${code} with growing delays`, () =>
    withManager({ resilience: RETRYING }, async ({ clock, source, manager, metrics }) => {
      source.failWith(code);
      const waiting = failure(manager.token(never));
      await clock.advance(999);
      assert.equal(source.requests, 1);
      await clock.advance(1);
      assert.equal(source.requests, 2);
      await clock.advance(1999);
      assert.equal(source.requests, 2);
      await clock.advance(1);
      assert.equal((await waiting).code, code);
      assert.equal(source.requests, 3);
      assert.equal(await metric(metrics, "retryAttempts"), 2);
      assert.equal(await metric(metrics, "tokenAcquisitions", { status: "failure" }), 3);
    }));
}

for (
  const code of [
    "AUTH-001",
    "AUTH-002",
    "TOK-001",
    "TOK-004",
    "TOK-005",
    "NET-003",
    "NET-004",
  ] as const
) {
  Deno.test(`TokenManager does not retry ${code}: it is permanent`, () =>
    withManager({ resilience: RETRYING }, async ({ source, manager, metrics }) => {
      source.failWith(code);
      assert.equal((await failure(manager.token(never))).code, code);
      assert.equal(source.requests, 1);
      assert.equal(await metric(metrics, "circuitBreakerState"), 0);
    }));
}

Deno.test("TokenManager waits for Retry-After before it retries", () =>
  withManager({ resilience: RETRYING }, async ({ clock, source, manager }) => {
    source.failWith("AUTH-003", 7);
    const waiting = valueOf(manager.token(never));
    await clock.advance(6999);
    assert.equal(source.requests, 1);
    source.answer = undefined;
    await clock.advance(1);
    assert.equal(await waiting, "token-2");
  }));

Deno.test("TokenManager sends no token request before the end of a long Retry-After", () =>
  withManager({ resilience: RETRYING }, async ({ clock, source, manager }) => {
    source.failWith("AUTH-003", 120);
    for (let i = 0; i < 10; i++) {
      assert.equal((await failure(manager.token(never))).retryAfterSeconds, 120);
    }
    assert.equal(source.requests, 1);
    source.answer = undefined;
    await clock.advance(120_000);
    assert.equal(await valueOf(manager.token(never)), "token-2");
  }));

Deno.test("TokenManager does not retry while the circuit is open", () =>
  withManager({
    resilience: { ...RETRYING, circuitBreaker: { failureThreshold: 3, timeoutMs: 10_000 } },
  }, async ({ clock, source, manager }) => {
    source.failWith("AUTH-003");
    const first = failure(manager.token(never));
    await clock.advance(3000);
    await first;
    assert.match((await failure(manager.token(never))).message, /circuit breaker open/);
    assert.equal(source.requests, 3);
  }));

Deno.test("TokenManager opens the circuit after repeated failures, and tries once after the timeout", () =>
  withManager({
    resilience: { ...NO_RETRY, circuitBreaker: { failureThreshold: 3, timeoutMs: MINUTE } },
  }, async ({ clock, source, manager, metrics }) => {
    const state = () => metric(metrics, "circuitBreakerState");
    source.failWith("AUTH-003");
    for (let i = 0; i < 3; i++) await failure(manager.token(never));
    assert.equal(await state(), 1);

    await clock.advance(20_000);
    const rejected = await failure(manager.token(never));
    assert.equal(source.requests, 3);
    assert.equal(rejected.code, "AUTH-003");
    assert.equal(rejected.retryAfterSeconds, 40);
    assert.match(rejected.message, /circuit breaker open/);
    assert.equal(await metric(metrics, "circuitBreakerRejections"), 1);
    await failure(manager.token(never));
    assert.equal(await metric(metrics, "circuitBreakerRejections"), 2);

    // A wall clock set back must not keep it open.
    clock.jumpWallClock(-60 * MINUTE);
    await clock.advance(40_000);
    await failure(manager.token(never));
    assert.equal(source.requests, 4, "one attempt while half open");
    await failure(manager.token(never));
    assert.equal(source.requests, 4, "open again");

    source.answer = undefined;
    await clock.advance(MINUTE);
    assert.equal(await valueOf(manager.token(never)), "token-5");
    assert.equal(await state(), 0);
  }));
