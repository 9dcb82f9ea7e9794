/** The gateway's app with defaults for the collaborators that a test does not care about. */
import { createApp, type GatewayOptions } from "../../src/gateway/app.ts";
import { ClientAddress } from "../../src/gateway/client_address.ts";
import { PublicAddress } from "../../src/gateway/public_address.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { MemoryLogger } from "../fixtures/memory_logger.ts";

/** The time of the gateway's clock. */
export const NOW_MS = Date.UTC(2026, 0, 1);

export interface GatewayApp {
  readonly metrics: Metrics;
  readonly logger: MemoryLogger;
  readonly security: MemoryLogger;
  readonly fetch: ReturnType<typeof createApp>["fetch"];
  ask(path: string, init?: RequestInit, completed?: Promise<void>): Promise<Response>;
}

export function gatewayApp(
  options: Pick<GatewayOptions, "stores"> & Partial<GatewayOptions>,
): GatewayApp {
  const metrics = options.metrics ?? createMetrics();
  const logger = new MemoryLogger();
  const security = new MemoryLogger();
  const { fetch } = createApp({
    version: "1.2.3",
    address: new PublicAddress(undefined, []),
    clientAddress: new ClientAddress([]),
    metrics,
    metricsText: () => metrics.registry.metrics(),
    checkReadiness: () => Promise.resolve(),
    logger,
    security,
    announceRevocation: () => {},
    now: () => NOW_MS,
    ...options,
  });
  return {
    metrics,
    logger,
    security,
    fetch,
    ask: async (path, init, completed = Promise.resolve()) =>
      await fetch(new Request(`http://gateway:8043${path}`, init), { completed }),
  };
}
