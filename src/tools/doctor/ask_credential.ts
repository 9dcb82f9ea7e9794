/**
 * Asks for a server's credential by the code that serves, once, as it would be for a search.
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

/** The search that is tried, below the base URL of a store. */
export const SEARCH = "/studies?limit=1";

/** What was given. */
export interface AskedCredential {
  readonly facts: CredentialFacts;
  /** The token itself; nothing where there is none, or where what was given signs one request only. */
  readonly token: string | undefined;
}

/**
 * Asks for the credential of a server.
 *
 * @throws {GatewayError} Why there is none.
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
 * Assembles a server, asks for its credential, and takes it apart again.
 *
 * @throws {GatewayError} Why there is none.
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
