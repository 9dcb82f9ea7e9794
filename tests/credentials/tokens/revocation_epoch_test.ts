import assert from "node:assert/strict";
import type { Token } from "../../../src/credentials/token.ts";
import { REVOCATION_CHECK_MS } from "../../../src/credentials/tokens/revocation_epoch.ts";
import { type FakeClock, settle } from "../../fixtures/fake_clock.ts";
import { SharedTokenStore } from "../../fixtures/shared_token_store.ts";
import { failure, never, type Parts, valueOf, withManager } from "../token_manager_harness.ts";

const HOUR = 3_600_000;

function withSharedStore(test: (parts: Parts) => Promise<void>): Promise<void> {
  return withManager({ shares: true }, test);
}

Deno.test("TokenManager.forget: a revoked token is no longer used, here and by all that share the cache", () =>
  withSharedStore(async ({ clock, source, manager, another }) => {
    source.lifeMs = HOUR;
    const others = [another(), another()];
    for (const each of [manager, ...others]) {
      assert.equal(await valueOf(each.token(never)), "token-1");
    }

    await manager.forget("revocation-1");
    assert.equal(manager.current(), undefined);
    assert.equal(await valueOf(manager.token(never)), "token-2");
    await clock.advance(REVOCATION_CHECK_MS);
    for (const other of others) {
      assert.equal(other.current(), undefined, "not revoked elsewhere");
      assert.equal(await valueOf(other.token(never)), "token-2");
    }
    await clock.advance(10 * REVOCATION_CHECK_MS);
    assert.equal(source.requests, 2, "one token for all");
  }));

Deno.test("TokenManager.forget: no request waits for the cache while nothing is revoked", () =>
  withSharedStore(async ({ clock, source, manager, shared }) => {
    source.lifeMs = HOUR;
    await manager.token(never);
    shared.fault = "hangs";
    for (let i = 0; i < 20; i++) {
      await clock.advance(REVOCATION_CHECK_MS);
      assert(!(manager.token(never) instanceof Promise));
    }
    assert.equal(source.requests, 1, "an unavailable cache revokes nothing");
  }));

Deno.test("TokenManager.forget: a token being fetched is not used, but fetched again", () =>
  withSharedStore(async ({ source, manager }) => {
    let deliver = (_token: Token) => {};
    source.answer = () => new Promise((resolve) => deliver = resolve);
    const waiting = valueOf(manager.token(never));
    await settle();
    await manager.forget("revocation-1");
    deliver(source.token("fetched before the revocation"));
    await settle();
    assert.equal(source.requests, 2);
    assert.equal(manager.current(), undefined);
    deliver(source.token("fetched after it"));
    assert.equal(await waiting, "fetched after it");
    assert.equal(manager.current()?.value, "fetched after it");
  }));

Deno.test("TokenManager.forget: a revoked token that another replica stores late is not found", () =>
  withSharedStore(async ({ clock, source, manager, another }) => {
    const slow = another();
    let deliver = (_token: Token) => {};
    source.answer = () => new Promise((resolve) => deliver = resolve);
    const late = valueOf(slow.token(never));
    await settle();
    await manager.forget("revocation-1");
    source.answer = undefined;
    deliver(source.token("fetched before the revocation"));
    assert.equal(await late, "fetched before the revocation", "it cannot know yet");

    assert.equal(await valueOf(manager.token(never)), "token-2");
    assert.equal(await valueOf(another().token(never)), "token-2");
    await clock.advance(REVOCATION_CHECK_MS);
    assert.equal(await valueOf(slow.token(never)), "token-2");
    assert.equal(source.requests, 2);
  }));

Deno.test("TokenManager.forget: repeating a revocation has no effect", () =>
  withSharedStore(async ({ source, manager }) => {
    await manager.token(never);
    await manager.forget("revocation-1");
    assert.equal(await valueOf(manager.token(never)), "token-2");
    await manager.forget("revocation-1");
    assert.equal(manager.current()?.value, "token-2");
    await manager.forget("revocation-2");
    assert.equal(await valueOf(manager.token(never)), "token-3");
    assert.equal(source.requests, 3);
  }));

Deno.test("TokenManager.forget: concurrent revocations end in one token for all", () =>
  withSharedStore(async ({ clock, source, manager, another }) => {
    source.lifeMs = HOUR;
    const other = another();
    for (const each of [manager, other]) await each.token(never);
    await Promise.all([manager.forget("revocation-1"), other.forget("revocation-2")]);
    await clock.advance(REVOCATION_CHECK_MS);
    const value = await valueOf(manager.token(never));
    assert.notEqual(value, "token-1");
    assert.equal(await valueOf(other.token(never)), value);
    await clock.advance(10 * REVOCATION_CHECK_MS);
    assert.equal(manager.current()?.value, value);
    assert.equal(source.requests, 2);
  }));

for (const fault of ["throws", "hangs"] as const) {
  Deno.test(`TokenManager.forget reports that the cache ${fault}, and informs the others when it recovers`, () =>
    withSharedStore(async ({ clock, source, manager, another, shared }) => {
      source.lifeMs = HOUR;
      const other = another();
      for (const each of [manager, other]) await each.token(never);
      shared.fault = fault;
      const failing = failure(manager.forget("revocation-1"));
      await clock.advance(1000);
      const error = await failing;
      assert.equal(error.code, "INT-002");
      assert.equal(error.server, "main");
      assert.equal(manager.current(), undefined, "discarded here nevertheless");

      await clock.advance(3 * REVOCATION_CHECK_MS);
      assert.equal(other.current()?.value, "token-1", "it cannot know");
      shared.fault = undefined;
      // A failed cache is not used for up to 32 s, then written, then read.
      await clock.advance(32_000 + 2 * REVOCATION_CHECK_MS);
      assert.equal(other.current(), undefined);
      const value = await valueOf(other.token(never));
      assert.notEqual(value, "token-1");
      assert.equal(await valueOf(manager.token(never)), value);
      assert.equal(source.requests, 2);
    }));
}

Deno.test("TokenManager.forget: a late response of the cache does not undo a revocation", () => {
  /** Returns the generation at the time of the request. */
  class SlowStore extends SharedTokenStore {
    delay: Promise<void> | undefined;
    override async generation(key: string): Promise<string> {
      const generation = await super.generation(key);
      await this.delay;
      return generation;
    }
  }
  const createShared = (clock: FakeClock) => new SlowStore(clock);
  const options = { shares: true, createShared };
  return withManager(options, async ({ clock, source, manager, another, shared }) => {
    source.lifeMs = HOUR;
    const slow = shared as SlowStore;
    const other = another();
    for (const each of [manager, other]) await each.token(never);
    await other.forget("revocation-1");
    const { promise, resolve } = Promise.withResolvers<void>();
    slow.delay = promise;
    // The background read of the first revocation is pending when the second comes.
    await clock.advance(REVOCATION_CHECK_MS);
    await manager.forget("revocation-2");
    slow.delay = undefined;
    assert.equal(await valueOf(manager.token(never)), "token-2");
    resolve();
    await settle();
    assert.equal(manager.current()?.value, "token-2");
    await clock.advance(4 * REVOCATION_CHECK_MS);
    assert.equal(manager.current()?.value, "token-2");
    assert.equal(source.requests, 2);
  });
});

Deno.test("TokenManager.forget: while the cache is unavailable, the revoked token is not used", () =>
  withSharedStore(async ({ clock, source, manager, shared }) => {
    await manager.token(never);
    shared.fault = "throws";
    await failure(manager.forget("revocation-1"));
    assert.equal(await valueOf(manager.token(never)), "token-2");
    shared.fault = undefined;
    await clock.advance(4 * REVOCATION_CHECK_MS);
    assert.equal(await valueOf(manager.token(never)), "token-2");
    assert.equal(source.requests, 2);
  }));

Deno.test("TokenManager.forget: repeated revocations send no token requests", () =>
  withSharedStore(async ({ clock, source, manager, another }) => {
    const other = another();
    for (const each of [manager, other]) await each.token(never);
    for (let i = 0; i < 100; i++) await manager.forget(`revocation-${i}`);
    await clock.advance(10 * REVOCATION_CHECK_MS);
    assert.equal(source.requests, 1);
    assert.equal(await valueOf(other.token(never)), "token-2");
    assert.equal(await valueOf(manager.token(never)), "token-2");
  }));

Deno.test("TokenManager.forget: without a shared cache the token is discarded, and no timer is started", () =>
  withManager({}, async ({ clock, source, manager }) => {
    await manager.token(never);
    assert.equal(clock.pendingTimers, 1, "the renewal");
    await manager.forget("revocation-1");
    assert.equal(clock.pendingTimers, 0);
    assert.equal(await valueOf(manager.token(never)), "token-2");
    assert.equal(source.requests, 2);
  }));

Deno.test("TokenManager.forget logs a revocation, here and elsewhere", () =>
  withSharedStore(async ({ clock, source, manager, another, logger }) => {
    source.lifeMs = HOUR;
    for (const each of [manager, another()]) await each.token(never);
    await manager.forget("revocation-1");
    await clock.advance(REVOCATION_CHECK_MS);
    const revocations = logger.lines.filter(({ message }) => message.includes("Token revoked"));
    assert.deepEqual(revocations.map(({ fields }) => fields.where), [
      "here",
      "by a worker or replica that shares the cache",
    ]);
    assert.doesNotMatch(JSON.stringify(logger.lines), /token-1/);
  }));
