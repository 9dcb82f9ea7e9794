/**
 * Assembles one server for an examination: one attempt per request, and nothing shared with a running
 * gateway.
 */
import type { GatewayConfig } from "../../config/gateway_config.ts";
import type { ServerConfig } from "../../config/keys/server.ts";
import { assembleStores } from "../../runtime/assemble_stores.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import type { Store } from "../../upstream/store.ts";

/** Calls `use` with the store of a server, and with the configuration that it was assembled from. */
export async function withStore<T>(
  config: GatewayConfig,
  name: string,
  options: Omit<Parameters<typeof assembleStores>[1], "metrics">,
  use: (store: Store, examined: GatewayConfig) => Promise<T>,
): Promise<T> {
  const examined: GatewayConfig = {
    ...config,
    tokenCache: { backend: "memory" },
    servers: new Map([[name, withoutRetries(config.servers.get(name)!)]]),
  };
  const { stores, close } = assembleStores(examined, { ...options, metrics: createMetrics() });
  try {
    return await use(stores.get(name)!, examined);
  } finally {
    await close();
  }
}

/** Retries and breakers would hide a failure. */
function withoutRetries(server: ServerConfig): ServerConfig {
  const { resilience, storeResilience } = server;
  return {
    ...server,
    resilience: { circuitBreaker: undefined, retry: { ...resilience.retry, maxAttempts: 1 } },
    storeResilience: {
      ...storeResilience,
      circuitBreaker: undefined,
      retry: { ...storeResilience.retry, maxAttempts: 1 },
    },
  };
}
