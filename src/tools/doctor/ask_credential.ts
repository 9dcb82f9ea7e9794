/**
 * Acquires the credential of a server for a search, once, with the code of the gateway.
 *
 * @module
 */
import type { GatewayConfig } from "../../config/gateway_config.ts";
import type { ServerConfig } from "../../config/keys/server.ts";
import { type CredentialFacts, credentialFacts } from "../../credentials/credential_facts.ts";
import type { Store } from "../../upstream/store.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { assembleStores } from "../../runtime/assemble_stores.ts";
import { singleAttempt } from "./single_attempt.ts";

/** The test search, below the base URL of a store. */
export const SEARCH = "/studies?limit=1";

/** An acquired credential. */
export interface AskedCredential {
  readonly facts: CredentialFacts;
  /** Undefined for credentials that are no token, such as the signature of one request. */
  readonly token: string | undefined;
}

/**
 * Acquires the credential of a server.
 *
 * @throws {GatewayError} With the reason of a failure.
 */
export async function askCredential(store: Store, server: ServerConfig): Promise<AskedCredential> {
  const authorization = await store.authorizer.authorize({
    method: "GET",
    url: server.url + SEARCH,
    headers: new Headers(),
    body: null,
    signal: AbortSignal.timeout(server.timeouts.tokenMs + 1_000),
  });
  const facts = credentialFacts(authorization, store.authorizer.describe());
  const isToken = facts.form === "jwt" || facts.form === "opaque";
  const token = isToken ? authorization.headers["authorization"]!.split(" ")[1] : undefined;
  return { facts, token };
}

/**
 * Acquires the credential of a server of the configuration.
 *
 * @throws {GatewayError} With the reason of a failure.
 */
export async function askCredentialOf(
  config: GatewayConfig,
  name: string,
  version: string,
): Promise<AskedCredential> {
  const examined = singleAttempt(config, [name]);
  const { stores, close } = assembleStores(examined, { metrics: createMetrics(), version });
  try {
    return await askCredential(stores.get(name)!, examined.servers.get(name)!);
  } finally {
    await close();
  }
}
