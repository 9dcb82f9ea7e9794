import assert from "node:assert/strict";
import type { Token } from "../../../src/credentials/token.ts";
import { settle } from "../../fixtures/fake_clock.ts";
import {
  failure,
  MINUTE,
  never,
  type Parts,
  valueOf,
  withManager,
} from "../token_manager_harness.ts";

const KEY = "main:fingerprint";

function withShared(test: (parts: Parts) => Promise<void>): Promise<void> {
  return withManager({ shares: true }, test);
}

Deno.test("Token managers that share a cache send one token request", () =>
  withShared(async ({ clock, source, shared, manager, another }) => {
    let deliver = (_token: Token) => {};
    source.answer = () => new Promise((resolve) => deliver = resolve);
    const managers = [manager, another(), another(), another()];
    const values = Promise.all(managers.map((each) => valueOf(each.token(never))));
    await clock.advance(2000);
    deliver(source.token("shared"));
    await clock.advance(1000);
    assert.deepEqual(new Set(await values), new Set(["shared"]));
    assert.equal(source.requests, 1);
    assert.equal(shared.holderOf(KEY), undefined, "the lease was not given back");
  }));

Deno.test("Token managers that share a cache renew each token once", () =>
  withShared(async ({ clock, source, manager, another }) => {
    const managers = [manager, another(), another()];
    for (const each of managers) await each.token(never);
    for (let minute = 0; minute < 40; minute++) {
      await clock.advance(MINUTE);
      for (const each of managers) assert(!(each.token(never) instanceof Promise));
    }
    assert.equal(source.requests, 1 + 40 / 4);
  }));

Deno.test("TokenManager takes over within seconds when the holder of the lease has crashed", () =>
  withShared(async ({ clock, source, shared, manager }) => {
    await shared.acquireLease(KEY, "dead", 5000);
    const token = valueOf(manager.token(never));
    await clock.advance(4999);
    assert.equal(source.requests, 0);
    await clock.advance(501);
    assert.equal(await token, "token-1");
    assert.equal(source.requests, 1);
  }));

Deno.test("TokenManager continues without the lease when it does not end", () =>
  withShared(async ({ clock, source, shared, manager }) => {
    await shared.acquireLease(KEY, "stuck", 60 * MINUTE);
    const token = valueOf(manager.token(never));
    await clock.advance(15_500);
    assert.equal(await token, "token-1");
    assert.equal(source.requests, 1);
    assert.equal(shared.holderOf(KEY), "stuck");
  }));

Deno.test("TokenManager extends the lease while a slow provider responds", () =>
  withShared(async ({ clock, source, manager, another }) => {
    let deliver = (_token: Token) => {};
    source.answer = () => new Promise((resolve) => deliver = resolve);
    const first = valueOf(manager.token(never));
    await settle();
    const second = valueOf(another().token(never));
    await clock.advance(14_000);
    assert.equal(source.requests, 1);
    deliver(source.token("slow"));
    await clock.advance(1000);
    assert.deepEqual([await first, await second], ["slow", "slow"]);
  }));

Deno.test("TokenManager releases the lease when its request fails, and the next manager tries", () =>
  withShared(async ({ clock, source, shared, manager, another }) => {
    source.failWith("TOK-001");
    const first = failure(manager.token(never));
    const second = failure(another().token(never));
    await clock.advance(1000);
    assert.equal((await first).code, "TOK-001");
    assert.equal((await second).code, "TOK-001");
    assert.equal(source.requests, 2);
    assert.equal(shared.holderOf(KEY), undefined);
  }));

Deno.test("TokenManager releases the lease when it is closed during a token request", () =>
  withShared(async ({ source, shared, manager }) => {
    source.answer = (signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    const waiting = failure(manager.token(never));
    await settle();
    assert.notEqual(shared.holderOf(KEY), undefined);
    await manager.close();
    assert.equal((await waiting).code, "INT-002");
    assert.equal(shared.holderOf(KEY), undefined);
  }));

Deno.test("TokenManager uses a token that another process stored before it started", () =>
  withShared(async ({ source, shared, manager, another }) => {
    shared.put(KEY, source.token("stored"));
    assert.equal(await valueOf(manager.token(never)), "stored");
    assert.equal(await valueOf(another().token(never)), "stored");
    assert.equal(source.requests, 0);
  }));

Deno.test("TokenManager reads the cache again when it has the lease: the last holder may have stored a token", () =>
  withShared(async ({ source, shared, manager }) => {
    shared.beforeLease = () => shared.put(KEY, source.token("just stored"));
    assert.equal(await valueOf(manager.token(never)), "just stored");
    assert.equal(source.requests, 0);
  }));
