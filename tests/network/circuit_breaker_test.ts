import assert from "node:assert/strict";
import {
  type Availability,
  CircuitBreaker,
  CircuitOpenError,
} from "../../src/network/circuit_breaker.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";

const OPEN_MS = 10_000;

function circuitOf(failureThreshold = 3) {
  const time = { now: 0 };
  const metrics = createMetrics();
  const circuit = new CircuitBreaker({
    server: "main",
    configured: { failureThreshold, timeoutMs: OPEN_MS },
    availability: (outcome) => outcome as Availability,
    rejection: { code: "NET-010", subject: `Cannot forward the request: server "main"` },
    state: metrics.storeCircuitBreakerState,
    rejections: metrics.storeCircuitBreakerRejections,
    monotonic: () => time.now,
  });
  const state = async () => (await metrics.storeCircuitBreakerState.get()).values[0]?.value;
  const attempt = (shows: Availability) => circuit.execute(() => Promise.resolve(shows));
  return { circuit, time, metrics, state, attempt };
}

type Attempt = (shows: Availability) => Promise<Availability>;

async function fail(attempt: Attempt, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await attempt("unavailable");
}

async function rejects(attempt: Attempt, retryAfterSeconds: number): Promise<void> {
  await assert.rejects(attempt("available"), (error) => {
    assert.ok(error instanceof CircuitOpenError);
    assert.deepEqual(
      [error.code, error.status, error.retryAfterSeconds],
      ["NET-010", 503, retryAfterSeconds],
    );
    assert.equal(
      error.message,
      `Cannot forward the request: server "main" failed repeatedly; the next attempt is in ` +
        `${retryAfterSeconds} s (circuit breaker open)`,
    );
    return true;
  });
}

Deno.test("CircuitBreaker opens after failures in a row, and reports when it tries again", async () => {
  const { attempt, time, metrics, state } = circuitOf();
  assert.equal(await state(), 0);
  await fail(attempt, 3);
  await rejects(attempt, 10);
  time.now = 7_500;
  await rejects(attempt, 3);
  assert.equal(await state(), 1);
  const { values } = await metrics.storeCircuitBreakerRejections.get();
  assert.equal(values[0]?.value, 2);
});

Deno.test("CircuitBreaker: a success in between resets the count, an unknown outcome does not", async () => {
  const { attempt, state } = circuitOf();
  await fail(attempt, 2);
  await attempt("available");
  await fail(attempt, 2);
  assert.equal(await state(), 0);
  await attempt("unknown");
  await fail(attempt, 1);
  assert.equal(await state(), 1);
});

Deno.test("CircuitBreaker allows one attempt when its time is over; success closes it", async () => {
  const { circuit, attempt, time, state } = circuitOf();
  await fail(attempt, 3);
  time.now = OPEN_MS;
  const { promise, resolve } = Promise.withResolvers<Availability>();
  const trial = circuit.execute(() => promise);
  assert.equal(await state(), 2);
  await rejects(attempt, 1);
  resolve("available");
  await trial;
  assert.equal(await state(), 0);
  await fail(attempt, 2);
  assert.equal(await state(), 0, "it counts from zero again");
});

for (const shows of ["unavailable", "unknown"] as const) {
  Deno.test(`CircuitBreaker: a trial that ends ${shows} opens it again for as long`, async () => {
    const { attempt, time } = circuitOf();
    await fail(attempt, 3);
    time.now = OPEN_MS;
    await attempt(shows);
    await rejects(attempt, 10);
  });
}

Deno.test("CircuitBreaker: an attempt that began before it opened neither closes it nor keeps it open", async () => {
  const { circuit, attempt, time } = circuitOf();
  const earlier = (["available", "unavailable"] as const).map((shows) => {
    const { promise, resolve } = Promise.withResolvers<Availability>();
    const ended = circuit.execute(() => promise);
    return () => (resolve(shows), ended);
  });
  await fail(attempt, 3);
  time.now = OPEN_MS / 2;
  for (const end of earlier) await end();
  await rejects(attempt, 5);
});

Deno.test("CircuitBreaker: what an attempt throws is judged and thrown on", async () => {
  const { circuit, state } = circuitOf(1);
  const broken = () => Promise.reject<string>("unavailable");
  assert.equal(await circuit.execute(broken).catch((error) => error), "unavailable");
  assert.equal(await state(), 1);
});
