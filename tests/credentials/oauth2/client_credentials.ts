/**
 * Client credentials for tests, by the secret "secret" unless changed.
 */
import type { ClientCredentials } from "../../../src/config/schemes/oauth2/token_request.ts";
import { Secret } from "../../../src/config/values/secret.ts";

/** The credentials of the client "gateway". */
export function clientCredentials(
  tokenEndpoint: ClientCredentials["tokenEndpoint"],
  changes: Partial<ClientCredentials> = {},
): ClientCredentials {
  return {
    kind: "client_credentials",
    tokenEndpoint,
    clientId: "gateway",
    clientAuthentication: { method: "client_secret_post", clientSecret: new Secret("secret") },
    scope: undefined,
    audience: undefined,
    resource: undefined,
    tokenParameters: {},
    refreshBufferMs: 60_000,
    ...changes,
  };
}
