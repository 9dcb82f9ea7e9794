/**
 * The public keys that the gateway publishes.
 */
import type { GatewayConfig } from "../gateway_config.ts";
import type { ServerConfig } from "../keys/server.ts";
import type { KeyAssertion } from "../schemes/oauth2/client_authentication.ts";
import type { PublicJwk } from "../values/verification_key.ts";

/** The public halves of all keys that sign assertions, including those not yet or no longer in use. */
export function publishedKeys(servers: GatewayConfig["servers"]): PublicJwk[] {
  const keys = [...servers.values()].flatMap((server) => keyAssertion(server)?.keys ?? [])
    .map(({ publicJwk }) => publicJwk);
  return [...new Map(keys.map((key) => [JSON.stringify(key), key])).values()];
}

/** The keys with which assertions for a server are signed, and their certificate. */
export function keyAssertion({ credentials }: ServerConfig): KeyAssertion | undefined {
  if (credentials.kind !== "client_credentials") return undefined;
  const { clientAuthentication } = credentials;
  return clientAuthentication.method === "private_key_jwt" ? clientAuthentication : undefined;
}
