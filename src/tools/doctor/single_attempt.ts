/**
 * The configuration for an examination: one attempt per request, and nothing shared with a running
 * gateway.
 *
 * @module
 */
import type { GatewayConfig } from "../../config/gateway_config.ts";
import type { ServerConfig } from "../../config/keys/server.ts";

/** Removes what would hide a failure or affect a running gateway: retries, breakers, the token cache. */
export function singleAttempt(config: GatewayConfig, names: readonly string[]): GatewayConfig {
  const kept = names.map((name) => config.servers.get(name)!);
  return {
    ...config,
    tokenCache: { backend: "memory" },
    servers: new Map(kept.map((server) => [server.name, tryOnce(server)])),
  };
}

function tryOnce(server: ServerConfig): ServerConfig {
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
