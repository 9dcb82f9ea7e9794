import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { StoreCircuit } from "../../src/upstream/store_circuit.ts";

const OPEN_MS = 10_000;

function circuitOf(failureThreshold = 3) {
  const time = { now: 0 };
  const metrics = createMetrics();
  const circuit = new StoreCircuit({
    server: "main",
    configured: { failureThreshold, timeoutMs: OPEN_MS },
    metrics,
    now: () => time.now,
  });
  const state = async () =>
    (await metrics.storeCircuitBreakerState.get()).values.find((value) =>
      value.labels.server === "main"
    )?.value;
  return { circuit, time, metrics, state };
}

/** Lets cockatiel's promises settle. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

async function fail(circuit: StoreCircuit, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    circuit.settle("unavailable");
    await settled();
  }
}

function refuses(circuit: StoreCircuit, retryAfterSeconds: number): void {
  assert.throws(() => circuit.admit(), (error) => {
    assert.ok(error instanceof GatewayError);
    assert.deepEqual(
      [error.code, error.status, error.retryAfterSeconds],
      ["NET-010", 503, retryAfterSeconds],
    );
    return true;
  });
}

Deno.test("StoreCircuit: opens after failures in a row, and says when it is tried again", async () => {
  const { circuit, time, metrics, state } = circuitOf();
  await fail(circuit, 3);
  refuses(circuit, 10);
  time.now = 7_500;
  refuses(circuit, 3);
  assert.equal(await state(), 1);
  const { values } = await metrics.storeCircuitBreakerRejections.get();
  assert.equal(values[0]?.value, 2);
});

Deno.test("StoreCircuit: a success in between begins the row anew", async () => {
  const { circuit } = circuitOf();
  await fail(circuit, 2);
  circuit.settle("available");
  await settled();
  await fail(circuit, 2);
  assert.equal(circuit.admit(), undefined);
});

Deno.test("StoreCircuit: lets one attempt through when its time is over; success closes it", async () => {
  const { circuit, time, state } = circuitOf();
  await fail(circuit, 3);
  time.now = OPEN_MS;
  const decide = circuit.admit();
  assert.ok(decide);
  assert.equal(await state(), 2);
  refuses(circuit, 1);
  decide("available");
  await settled();
  assert.equal(circuit.admit(), undefined);
  assert.equal(await state(), 0);
  await fail(circuit, 2);
  assert.equal(circuit.admit(), undefined, "it counts from nothing again");
});

Deno.test("StoreCircuit: an attempt that fails opens it again for as long", async () => {
  const { circuit, time } = circuitOf();
  await fail(circuit, 3);
  time.now = OPEN_MS;
  circuit.admit()?.("unavailable");
  await settled();
  refuses(circuit, 10);
});

Deno.test("StoreCircuit: what was under way when it opened neither closes it nor keeps it open", async () => {
  const { circuit, time } = circuitOf();
  await fail(circuit, 3);
  time.now = OPEN_MS / 2;
  circuit.settle("available");
  await settled();
  await fail(circuit, 1);
  refuses(circuit, 5);
});
