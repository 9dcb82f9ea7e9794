/**
 * Retries and the circuit breaker of a store, over real connections.
 */
import assert from "node:assert/strict";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";
import { failure, forward, withStore } from "./store_harness.ts";

const RETRYING = {
  retry: { maxAttempts: 2, initialDelayMs: 1, maxDelayMs: 5_000, budget: 0.1 },
};

async function value(metric: { get(): Promise<{ values: { value: number }[] }> }) {
  return (await metric.get()).values[0]?.value ?? 0;
}

Deno.test("Store: a GET that fails at the store is retried, signed anew, and counted", async () => {
  const metrics = createMetrics();
  await withStore(
    (_, count) => new Response(count === 1 ? "busy" : "ok", { status: count === 1 ? 503 : 200 }),
    async (store, seen) => {
      const response = await forward(store, "/studies");
      assert.deepEqual([response.status, await response.text()], [200, "ok"]);
      assert.equal(seen.length, 2);
      assert.equal(await value(metrics.storeRetries), 1);
    },
    { storeResilience: RETRYING, metrics },
  );
});

Deno.test("Store: a client that leaves before a retry counts as none", async () => {
  const metrics = createMetrics();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  await withStore(
    () => {
      ask();
      return new Response(null, { status: 429, headers: { "retry-after": "5" } });
    },
    async (store, seen) => {
      const client = new AbortController();
      const { signal } = client;
      const forwarded = forward(store, "/studies", { signal });
      await asked;
      await new Promise((resolve) => setTimeout(resolve, 100));
      client.abort();
      await assert.rejects(forwarded);
      assert.deepEqual([seen.length, await value(metrics.storeRetries)], [1, 0]);
    },
    { storeResilience: RETRYING, metrics },
  );
});

Deno.test("Store: the log names the request that is retried, and the one whose credential was rejected", async () => {
  const logger = new MemoryLogger();
  await withStore(
    (_, count) => new Response("x", { status: [401, 503, 200][count - 1] ?? 500 }),
    async (store) => {
      await (await forward(store, "/studies")).text();
      assert.deepEqual(logger.lines.map(({ fields }) => fields["request_id"]), [
        "request-1",
        "request-1",
      ]);
    },
    { storeResilience: RETRYING, logger },
  );
});

Deno.test("Store: the response to the last attempt passes unchanged", async () => {
  await withStore(
    (_, count) => new Response(`busy ${count}`, { status: 503, headers: { warning: "299 store" } }),
    async (store) => {
      const response = await forward(store, "/studies");
      assert.deepEqual([response.status, await response.text()], [503, "busy 2"]);
      assert.equal(response.headers.get("warning"), "299 store");
    },
    { storeResilience: RETRYING },
  );
});

Deno.test("Store: a STOW is never sent twice", async () => {
  await withStore(
    () => new Response("busy", { status: 503, headers: { "retry-after": "0" } }),
    async (store, seen) => {
      const response = await forward(store, "/studies", { method: "POST", body: "dicom" });
      assert.deepEqual([response.status, await response.text()], [503, "busy"]);
      assert.equal(seen.length, 1);
    },
    { storeResilience: RETRYING },
  );
});

Deno.test("Store: a renewed credential costs no attempt", async () => {
  await withStore(
    (_, count) => new Response("x", { status: [401, 503, 200][count - 1] ?? 500 }),
    async (store, seen) => {
      const response = await forward(store, "/studies");
      assert.deepEqual([response.status, await response.text()], [200, "x"]);
      assert.deepEqual(
        seen.map(({ headers }) => headers.get("authorization")),
        ["Bearer t1", "Bearer t2", "Bearer t2"],
      );
    },
    { storeResilience: RETRYING },
  );
});

Deno.test("Store: the circuit opens after repeated failures, and a client's mistakes do not count", async () => {
  let status = 404;
  await withStore(
    () => new Response("x", { status }),
    async (store, seen) => {
      const ask = async () => await (await forward(store, "/studies")).text();
      for (let count = 0; count < 5; count++) await ask();
      status = 502;
      await ask();
      await ask();
      const error = await failure(forward(store, "/studies"));
      assert.deepEqual([error.code, error.status, error.retryAfterSeconds], ["NET-010", 503, 60]);
      assert.equal(seen.length, 7);
    },
    { storeResilience: { circuitBreaker: { failureThreshold: 2, timeoutMs: 60_000 } } },
  );
});

Deno.test("Store: a client that leaves is no failure of the store", async () => {
  await withStore(
    async (_, count) => {
      if (count <= 3) await new Promise((resolve) => setTimeout(resolve, 100));
      return new Response("x");
    },
    async (store, seen) => {
      for (let count = 1; count <= 3; count++) {
        const client = new AbortController();
        const answer = forward(store, "/studies", { signal: client.signal });
        while (seen.length < count) await new Promise((resolve) => setTimeout(resolve, 1));
        client.abort(new DOMException("left", "AbortError"));
        await assert.rejects(answer, { name: "AbortError" });
      }
      assert.equal(await (await forward(store, "/studies")).text(), "x");
    },
    { storeResilience: { circuitBreaker: { failureThreshold: 1, timeoutMs: 60_000 } } },
  );
});

Deno.test("Store: never more requests at once than allowed, and a place is free when the answer has been sent", async () => {
  const metrics = createMetrics();
  await withStore(
    () => new Response("x"),
    async (store, seen) => {
      const sent = Promise.withResolvers<void>();
      const first = await forward(store, "/studies", {}, sent.promise);
      assert.equal(await first.text(), "x");
      const second = forward(store, "/studies");
      const error = await failure(forward(store, "/studies"));
      assert.deepEqual([error.code, error.status], ["NET-011", 503]);
      const text = await metrics.registry.metrics();
      assert.match(text, /store_requests_in_flight\{server="main"\} 1\n/);
      assert.match(text, /store_requests_queued\{server="main"\} 1\n/);
      assert.match(text, /store_requests_rejected_total\{server="main"\} 1\n/);
      assert.equal(seen.length, 1);
      sent.resolve();
      assert.equal(await (await second).text(), "x");
    },
    { storeResilience: { maxConcurrent: 1, maxQueued: 1 }, metrics },
  );
});
