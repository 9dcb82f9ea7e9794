/**
 * The public keys that the gateway publishes.
 *
 * @module
 */
import type { GatewayConfig } from "../gateway_config.ts";

/** The public halves of all keys that sign assertions, including those not yet or no longer in use. */
export function publishedKeys(
  servers: GatewayConfig["servers"],
): Readonly<Record<string, string>>[] {
  const keys = [...servers.values()].flatMap(({ credentials }) =>
    credentials.kind === "client_credentials" &&
      credentials.clientAuthentication.method === "private_key_jwt"
      ? credentials.clientAuthentication.keys.map((key) => key.publicJwk)
      : []
  );
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
}
