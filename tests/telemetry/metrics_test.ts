import assert from "node:assert/strict";
import { createMetrics } from "../../src/telemetry/metrics.ts";

Deno.test("createMetrics: values set by beforeRead are in the same report", async () => {
  const metrics = createMetrics();
  metrics.beforeRead.add(() => {
    metrics.tokenExpiry.set({ server: "main" }, 60);
    metrics.storeRequestsInFlight.set({ server: "main" }, 2);
    metrics.storeRequestsQueued.set({ server: "main" }, 3);
  });
  const text = await metrics.registry.metrics();
  for (
    const [name, value] of [
      ["token_expiry_timestamp_seconds", 60],
      ["store_requests_in_flight", 2],
      ["store_requests_queued", 3],
    ]
  ) assert.ok(text.includes(`dicomweb_oauth_${name}{server="main"} ${value}\n`), `${name}`);
});
