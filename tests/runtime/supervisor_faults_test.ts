import assert from "node:assert/strict";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { SupervisorFaults } from "../../src/runtime/supervisor_faults.ts";
import { mergeFaults } from "../../src/telemetry/faults.ts";

const CONFIG = {
  stateDirectory: "/nonexistent",
  tokenCache: { backend: "memory" },
  uploads: { memoryBytes: 0, diskBytes: 0 },
  servers: new Map(),
  listen: { address: "127.0.0.1", port: 0 },
} as unknown as GatewayConfig;

Deno.test("SupervisorFaults: a fault keeps the time of its beginning and its latest reason, and ends", async () => {
  let nowMs = 1;
  const faults = new SupervisorFaults(() => nowMs);
  faults.auditTrail("write timed out", "refuse");
  nowMs = 2;
  faults.auditTrail("No space left on device", "refuse");
  assert.deepEqual(await faults.current(CONFIG, undefined), [
    { kind: "audit_trail", sinceMs: 1, reason: "No space left on device", stops: "requests" },
  ]);
  faults.auditTrail(undefined, "refuse");
  assert.deepEqual(await faults.current(CONFIG, undefined), []);
});

Deno.test("SupervisorFaults: lost audit records are added up, and stay when the trail can be written again", async () => {
  const faults = new SupervisorFaults(() => 1);
  faults.auditRecordsLost(0);
  assert.deepEqual(await faults.current(CONFIG, undefined), []);
  faults.auditTrail("down", "warn");
  for (const count of [2, 3]) faults.auditRecordsLost(count);
  faults.auditTrail(undefined, "warn");
  const [fault] = await faults.current(CONFIG, undefined);
  assert.deepEqual([fault?.kind, fault?.reason], [
    "audit_records_lost",
    "5 lost since the gateway started",
  ]);
});

Deno.test("mergeFaults: one of each kind, since the first worker had it, the worst first", () => {
  const merged = mergeFaults([
    { kind: "configuration", sinceMs: 1, reason: "invalid" },
    { kind: "token_cache", sinceMs: 7, reason: "READONLY", stops: "readiness" },
    { kind: "token_cache", sinceMs: 5, reason: "no answer" },
  ]);
  assert.deepEqual(merged.map(({ kind, sinceMs, stops }) => [kind, sinceMs, stops]), [
    ["token_cache", 5, "readiness"],
    ["configuration", 1, undefined],
  ]);
});
