import assert from "node:assert/strict";
import { TokenStore } from "../../../src/credentials/cache/token_store.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { SharedTokenStore } from "../../fixtures/shared_token_store.ts";
import { MINUTE, never, valueOf, withManager } from "../token_manager_harness.ts";

const token = { value: "a", type: "Bearer", issuedAtMs: 0, expiresAtMs: 9e15 };

function setup() {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const inner = new SharedTokenStore(clock);
  const store = new TokenStore(inner.backend, { metrics, logger, clock });
  const errors = async (operation: string) =>
    (await metrics.cacheErrors.get()).values.find((v) => v.labels.operation === operation)?.value;
  return { clock, metrics, logger, inner, store, errors };
}

Deno.test("TokenStore returns the tokens stored, until they expire", async () => {
  const { clock, inner, store } = setup();
  const expiresAtMs = clock.now() + 60_000;
  await store.set("main", { ...token, expiresAtMs });
  assert.deepEqual(await store.get("main"), { ...token, expiresAtMs });
  assert.deepEqual(inner.ttlsMs, [60_000]);
  assert.equal(await store.get("other"), undefined);
  clock.jumpWallClock(60_000);
  assert.equal(await store.get("main"), undefined, "expired, but not deleted yet");
  await store.set("main", { ...token, expiresAtMs });
  assert.equal(inner.ttlsMs.length, 1, "an expired token is not stored");
  await store.delete("main");
  assert.equal(inner.tokenAt("main"), undefined);
});

Deno.test("TokenStore treats an entry that cannot be decrypted as a miss, counts and logs it", async () => {
  const { clock, inner, metrics, logger, errors } = setup();
  const cipher = { ...inner.backend.cipher, decrypt: () => Promise.resolve(undefined) };
  const store = new TokenStore({ strings: inner, cipher }, { metrics, logger, clock });
  await store.set("main", token);
  assert.equal(await store.get("main"), undefined);
  assert.equal(await errors("decrypt"), 1);
  assert.deepEqual(logger.lines.map(({ level }) => level), ["debug"]);
});

Deno.test("TokenStore.close closes its backend", async () => {
  const { inner, store } = setup();
  await store.close();
  assert(inner.isClosed);
});

Deno.test("TokenStore without a backend stores nothing, and is always ready", async () => {
  const { clock, metrics, logger } = setup();
  const store = new TokenStore(undefined, { metrics, logger, clock });
  await store.open();
  await store.set("a", token);
  assert.equal(await store.get("a"), undefined);
  assert.equal(await store.acquireLease("a", "b", 1), true);
  await store.setGeneration("a", "b", 1);
  await store.probe();
  await store.close();
  assert.equal(store.isShared, false);
});

Deno.test("TokenStore never throws while its backend fails: every read is a miss, every lease is granted", async () => {
  const { clock, inner, store, errors } = setup();
  inner.fault = "throws";
  const operations = [
    ["get", () => store.get("a"), undefined],
    ["set", () => store.set("a", token), undefined],
    ["delete", () => store.delete("a"), undefined],
    ["lease", () => store.acquireLease("a", "b", 1), true],
    ["lease", () => store.releaseLease("a", "b"), undefined],
  ] as const;
  for (const [operation, run, otherwise] of operations) {
    const before = await errors(operation) ?? 0;
    assert.equal(await run(), otherwise);
    assert.equal(await errors(operation), before + 1);
    await clock.advance(32_000);
  }
});

Deno.test("TokenStore does not count the time for opening its backend as part of an operation", async () => {
  const { clock, inner, store, errors } = setup();
  inner.put("a", token);
  let open = () => {};
  inner.opening = new Promise((resolve) => open = resolve);
  const found = [store.get("a"), store.get("a")];
  await clock.advance(5000);
  open();
  assert.deepEqual(await Promise.all(found), [token, token]);
  assert.equal(await errors("get"), undefined);
});

Deno.test("TokenStore waits for a hanging backend for one second, then pauses its use", async () => {
  const { clock, inner, store } = setup();
  inner.fault = "hangs";
  let answered = false;
  const first = store.get("a").then(() => answered = true);
  await clock.advance(999);
  assert(!answered);
  await clock.advance(1);
  await first;
  for (let i = 0; i < 100; i++) await store.get("a");
  assert.equal(inner.operations, 1);
  inner.fault = undefined;
  await clock.advance(2000);
  await store.get("a");
  assert.equal(inner.operations, 2);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("TokenStore logs the failure and the recovery of its backend once", async () => {
  const { clock, inner, store, logger } = setup();
  inner.fault = "throws";
  for (let i = 0; i < 10; i++) {
    await store.get("a");
    await clock.advance(32_000);
  }
  inner.fault = undefined;
  for (let i = 0; i < 10; i++) await store.get("a");
  assert.deepEqual(logger.lines.map(({ level }) => level), ["warn", "info"]);
  assert.equal(logger.lines[0]?.fields.reason, "connection refused");
});

Deno.test("TokenStore pauses the use of a failing backend for growing times, up to 32 seconds", async () => {
  const { clock, inner, store } = setup();
  inner.fault = "throws";
  // At 0, 2, 6, 14, 30 s and then every 32 s; concurrent operations count as one.
  for (let second = 0; second < 100; second++) {
    const before = inner.operations;
    await Promise.all([store.get("a"), store.get("b"), store.get("c")]);
    assert.equal(
      inner.operations > before,
      [0, 2, 6, 14, 30, 62, 94].includes(second),
      `${second}`,
    );
    await clock.advance(1000);
  }
  inner.fault = undefined;
  await clock.advance(32_000);
  await store.get("a");
  inner.fault = "throws";
  await store.get("a");
  inner.fault = undefined;
  await clock.advance(2000);
  const before = inner.operations;
  await store.get("a");
  assert.equal(inner.operations, before + 1, "the pause is short again");
});

Deno.test("TokenStore.probe throws while the backend is unavailable, for readiness", async () => {
  const { clock, inner, store } = setup();
  await store.probe();
  inner.fault = "throws";
  await assert.rejects(store.probe(), { message: "connection refused" });
  await assert.rejects(store.probe(), { message: "it failed a moment ago" });
  await clock.advance(2000);
  inner.fault = "hangs";
  const hanging = assert.rejects(store.probe(), { message: "no answer within 1000 ms" });
  await clock.advance(1000);
  await hanging;
  inner.fault = undefined;
  await clock.advance(4000);
  await store.probe();
});

Deno.test("TokenStore.probe writes, leases and deletes a key, once for concurrent calls", async () => {
  const { inner, store } = setup();
  await Promise.all([store.probe(), store.probe()]);
  assert.equal(inner.operations, 5);
  assert.equal(inner.size, 0, "it left something behind");
  inner.beforeLease = () => {
    throw new Error("READONLY");
  };
  await assert.rejects(store.probe(), { message: "READONLY" });
});

Deno.test("TokenStore.probe reports a server that the configuration lacks", async () => {
  const { inner, store } = setup();
  const verify = () => Promise.reject(new Error("Redis refers to another server"));
  Object.assign(inner, { verify });
  await assert.rejects(store.probe(), { message: "Redis refers to another server" });
});

for (const fault of ["throws", "hangs"] as const) {
  Deno.test(`TokenManager serves and renews while the cache ${fault}`, () =>
    withManager(
      { shares: true },
      async ({ clock, source, shared, manager, logger }) => {
        shared.fault = fault;
        const waiting = valueOf(manager.token(never));
        await clock.advance(1000);
        assert.equal(await waiting, "token-1");
        await clock.advance(4 * MINUTE + 1000);
        assert.equal(manager.current()?.value, "token-2");
        const refused = manager.invalidate(manager.current()!);
        await clock.advance(1000);
        assert(await refused);
        const replaced = valueOf(manager.token(never));
        await clock.advance(1000);
        assert.equal(await replaced, "token-3");
        assert.equal(source.requests, 3);
        assert.equal(logger.lines.filter(({ level }) => level === "warn").length, 1);

        shared.fault = undefined;
        await clock.advance(4 * MINUTE);
        assert.equal(shared.tokenAt("main:fingerprint")?.value, "token-4", "shared again");
      },
    ));
}
