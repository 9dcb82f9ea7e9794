import assert from "node:assert/strict";
import { GuardedTokenStore } from "../../../src/credentials/cache/guarded_token_store.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { MemoryLogger } from "../../fixtures/memory_logger.ts";
import { SharedTokenStore } from "../../fixtures/shared_token_store.ts";
import { MINUTE, never, valueOf, withManager } from "../token_manager_harness.ts";

function guarded() {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const logger = new MemoryLogger();
  const inner = new SharedTokenStore(clock);
  const store = new GuardedTokenStore(inner, { metrics, logger, clock });
  const errors = async (operation: string) =>
    (await metrics.cacheErrors.get()).values.find((v) => v.labels.operation === operation)?.value;
  return { clock, logger, inner, store, errors };
}

Deno.test("GuardedTokenStore never throws, and says that all is absent and every lease is free", async () => {
  const { clock, inner, store, errors } = guarded();
  const token = { value: "a", type: "Bearer", issuedAtMs: 0, expiresAtMs: 9e15 };
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

Deno.test("GuardedTokenStore counts the time for opening the store against no operation", async () => {
  const { clock, inner, store, errors } = guarded();
  const token = { value: "a", type: "Bearer", issuedAtMs: 0, expiresAtMs: 9e15 };
  await inner.set("a", token);
  let open = () => {};
  inner.opening = new Promise((resolve) => open = resolve);
  const found = [store.get("a"), store.get("a")];
  await clock.advance(5000);
  open();
  assert.deepEqual(await Promise.all(found), [token, token]);
  assert.equal(await errors("get"), undefined);
});

Deno.test("GuardedTokenStore waits a second at most, then leaves a hanging store alone for a while", async () => {
  const { clock, inner, store } = guarded();
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

Deno.test("GuardedTokenStore logs when the store fails and when it works again, not every time", async () => {
  const { clock, inner, store, logger } = guarded();
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

Deno.test("GuardedTokenStore leaves a store alone for longer the longer it fails, up to half a minute", async () => {
  const { clock, inner, store } = guarded();
  inner.fault = "throws";
  // At 0, 2, 6, 14, 30 s and every 32 s from then on; several at once count as one.
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

Deno.test("GuardedTokenStore.ping throws, so that readiness learns of it", async () => {
  const { clock, inner, store } = guarded();
  await store.ping();
  inner.fault = "throws";
  await assert.rejects(store.ping(), { message: "connection refused" });
  await assert.rejects(store.ping(), { message: "it failed a moment ago" });
  await clock.advance(2000);
  inner.fault = "hangs";
  const hanging = assert.rejects(store.ping(), { message: "no answer within 1000 ms" });
  await clock.advance(1000);
  await hanging;
  inner.fault = undefined;
  await clock.advance(4000);
  await store.ping();
});

for (const fault of ["throws", "hangs"] as const) {
  Deno.test(`TokenManager serves and renews without a store that ${fault}`, () =>
    withManager(
      { store: (clock) => new SharedTokenStore(clock) },
      async ({ clock, source, store, manager, logger }) => {
        assert(store instanceof SharedTokenStore);
        store.fault = fault;
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

        store.fault = undefined;
        await clock.advance(4 * MINUTE);
        assert.equal((await store.get("main:fingerprint"))?.value, "token-4", "shared again");
      },
    ));
}
