/**
 * Acquires the credential of a server for a search, once, with the code of the gateway.
 */
import type { ServerConfig } from "../../config/keys/server.ts";
import { type CredentialFacts, credentialFacts } from "../../credentials/credential_facts.ts";
import { scopesNotGranted } from "../../credentials/oauth2/granted_scopes.ts";
import type { Store } from "../../upstream/store.ts";

/** The test search, below the base URL of a store. */
export const SEARCH = "/studies?limit=1";

/**
 * @returns No token for credentials of another form, such as the signature of one request.
 * @throws {GatewayError} With the reason of a failure.
 */
export async function askCredential(
  store: Store,
  server: ServerConfig,
): Promise<{
  readonly facts: CredentialFacts;
  readonly token: string | undefined;
  /** The requested scopes that it lacks. */
  readonly lacking: readonly string[];
}> {
  const authorization = await store.authorizer.authorize({
    method: "GET",
    url: server.url + SEARCH,
    headers: new Headers(),
    body: null,
    signal: AbortSignal.timeout(server.timeouts.tokenMs + 1_000),
  });
  const status = store.authorizer.describe();
  const facts = credentialFacts(authorization, status);
  const isToken = facts.form === "jwt" || facts.form === "opaque";
  const token = isToken ? authorization.headers["authorization"]!.split(" ")[1] : undefined;
  const { credentials } = server;
  const lacking = credentials.kind === "client_credentials" && token !== undefined
    ? scopesNotGranted(credentials.scope, { ...status, value: token })
    : [];
  return { facts, token, lacking };
}
