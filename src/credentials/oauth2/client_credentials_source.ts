/**
 * Tokens by the OAuth2 client credentials grant (RFC 6749, section 4.4).
 */
import type { ClientCredentials } from "../../config/schemes/oauth2/token_request.ts";
import type { ClientAuthentication } from "../../config/schemes/oauth2/client_authentication.ts";
import { revealHeaders } from "../../config/values/header_values.ts";
import { createClientAuthentication, rejectedClientSteps } from "./client_authentication.ts";
import type { DpopKey } from "./dpop_key.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import { TokenEndpoint } from "./token_endpoint.ts";
import { TokenEndpointDiscovery } from "./token_endpoint_discovery.ts";

/**
 * The parameters of a client credentials grant; those of the grant itself override `TokenParameters`
 * of the same name.
 *
 * @example
 * ```ts
 * import { clientCredentialsGrant } from "./client_credentials_source.ts";
 * import assert from "node:assert/strict";
 *
 * const grant = clientCredentialsGrant({
 *   scope: "dicom",
 *   audience: undefined,
 *   resource: undefined,
 *   tokenParameters: { tenant: "radiology" },
 * });
 * assert.equal(grant.toString(), "tenant=radiology&grant_type=client_credentials&scope=dicom");
 * ```
 */
export function clientCredentialsGrant(
  { scope, audience, resource, tokenParameters }: Pick<
    ClientCredentials,
    "scope" | "audience" | "resource" | "tokenParameters"
  >,
): URLSearchParams {
  const parameters = new URLSearchParams({ ...tokenParameters });
  parameters.set("grant_type", "client_credentials");
  if (scope !== undefined) parameters.set("scope", scope);
  if (audience !== undefined) parameters.set("audience", audience);
  if (resource !== undefined) parameters.set("resource", resource);
  return parameters;
}

/** Connection to the token endpoint, and what else tokens depend on. */
export interface ClientCredentialsConnection extends ProviderConnection {
  /** PEM client certificate of the connection; tokens may be bound to it (RFC 8705). */
  readonly certificatePem?: string | undefined;
  /** The key that tokens are bound to (RFC 9449). */
  readonly dpop?: DpopKey | undefined;
}

/**
 * Creates the source of the tokens of a client that asks on its own behalf. Its `acquire` also throws
 * TOK-001 if the file of a federated token cannot be used.
 */
export function clientCredentialsSource(
  credentials: ClientCredentials,
  connection: ClientCredentialsConnection,
): TokenSource {
  const { provider, tokenEndpoint, clientId, clientAuthentication } = credentials;
  const { certificatePem, dpop } = connection;
  const isUrl = typeof tokenEndpoint === "string";
  const grant = clientCredentialsGrant(credentials);
  const headers = revealHeaders(credentials.tokenHeaders ?? {});
  return new TokenEndpoint({
    ...connection,
    url: isUrl ? tokenEndpoint : new TokenEndpointDiscovery({
      ...connection,
      provider,
      configured: tokenEndpoint,
      mutualTls: certificatePem !== undefined,
    }),
    grant,
    headers,
    rejectedClientSteps: rejectedClientSteps(clientId, clientAuthentication),
    authenticate: createClientAuthentication(clientId, clientAuthentication, connection),
    secrets: "clientSecret" in clientAuthentication ? proof(clientAuthentication) : [],
    provider,
    fingerprint: fingerprint([
      isUrl ? tokenEndpoint : [tokenEndpoint.kind, tokenEndpoint.url],
      clientId,
      clientAuthentication.method,
      ...proof(clientAuthentication),
      ...grant,
      ["headers", ...Object.entries(headers).flat()],
      ["certificate", certificatePem ?? ""],
      ["dpop", dpop?.thumbprint ?? ""],
    ]),
  });
}

/** What the client proves its identity with, besides the certificate of its connection. */
function proof(authentication: ClientAuthentication): string[] {
  if ("clientSecret" in authentication) return [authentication.clientSecret.reveal()];
  if ("keys" in authentication) return [authentication.keys[0].privateJwk.reveal()];
  return "file" in authentication ? [authentication.file] : [];
}
