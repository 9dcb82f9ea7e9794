/**
 * Tokens by the OAuth2 client credentials grant (RFC 6749, section 4.4).
 *
 * @module
 */
import type { ClientCredentials } from "../../config/schemes/oauth2/token_request.ts";
import type { ClientAuthentication } from "../../config/schemes/oauth2/client_authentication.ts";
import { createClientAuthentication } from "./client_authentication.ts";
import { CredentialFileError } from "../credential_file.ts";
import type { DpopKey } from "./dpop_key.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import { cannotFetch, type ProviderConnection } from "../provider_exchange.ts";
import { TokenEndpoint } from "./token_endpoint.ts";
import { TokenEndpointDiscovery } from "./token_endpoint_discovery.ts";
import type { AuthenticateClient } from "./token_request.ts";

/**
 * The parameters of a client credentials grant.
 *
 * @returns The parameters; those of the grant itself win over `TokenParameters` of the same name.
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
  credentials: Pick<ClientCredentials, "scope" | "audience" | "resource" | "tokenParameters">,
): URLSearchParams {
  const { scope, audience, resource, tokenParameters } = credentials;
  const parameters = new URLSearchParams({ ...tokenParameters });
  parameters.set("grant_type", "client_credentials");
  if (scope !== undefined) parameters.set("scope", scope);
  if (audience !== undefined) parameters.set("audience", audience);
  if (resource !== undefined) parameters.set("resource", resource);
  return parameters;
}

/** How the token endpoint is reached, and what else tokens depend on. */
export interface ClientCredentialsConnection extends ProviderConnection {
  /** PEM client certificate that the connection shows; tokens may be bound to it (RFC 8705). */
  readonly certificatePem?: string | undefined;
  /** The key that tokens are bound to (RFC 9449), where they are. */
  readonly dpop?: DpopKey | undefined;
}

/** A client that asks for tokens on its own behalf. */
export class ClientCredentialsSource implements TokenSource {
  readonly fingerprint: string;
  readonly #server: string;
  readonly #endpoint: TokenEndpoint;
  readonly #grant: URLSearchParams;
  readonly #authenticate: AuthenticateClient;

  /** @param connection How the token endpoint is reached. */
  constructor(credentials: ClientCredentials, connection: ClientCredentialsConnection) {
    const { provider, tokenEndpoint, clientId, clientAuthentication } = credentials;
    const { certificatePem, dpop, clock } = connection;
    this.#server = connection.server;
    const mutualTls = certificatePem !== undefined;
    this.#endpoint = new TokenEndpoint({
      ...connection,
      url: typeof tokenEndpoint === "string" ? tokenEndpoint : new TokenEndpointDiscovery({
        ...connection,
        provider,
        configured: tokenEndpoint,
        mutualTls,
      }),
      secrets: secretsOf(clientAuthentication),
      provider,
    });
    this.#grant = clientCredentialsGrant(credentials);
    this.#authenticate = createClientAuthentication(clientId, clientAuthentication, clock);
    this.fingerprint = fingerprint([
      typeof tokenEndpoint === "string" ? tokenEndpoint : [tokenEndpoint.kind, tokenEndpoint.url],
      clientId,
      clientAuthentication.method,
      ...proofParts(clientAuthentication),
      ...this.#grant,
      ["certificate", certificatePem ?? ""],
      ["dpop", dpop?.thumbprint ?? ""],
    ]);
  }

  /** The token endpoint; the issuer until that is known. */
  get endpoint(): string {
    return this.#endpoint.url;
  }

  /**
   * Asks for a new token, once.
   *
   * @throws {GatewayError} As `TokenEndpoint.request`; TOK-001 where the file of a federated token
   * gives none.
   */
  async acquire(signal: AbortSignal): Promise<Token> {
    try {
      return await this.#endpoint.request(this.#grant, this.#authenticate, signal);
    } catch (cause) {
      if (!(cause instanceof CredentialFileError)) throw cause;
      throw cannotFetch("TOK-001", this.#server, cause.message, {
        troubleshooting: [
          "Check FederatedTokenFile, and that the platform writes the token there and lets the " +
          "gateway's user read it",
        ],
        cause,
      });
    }
  }
}

/** What the provider may echo: an assertion is recognised by its form, and a key is never sent. */
function secretsOf(authentication: ClientAuthentication): string[] {
  return "clientSecret" in authentication ? [authentication.clientSecret.reveal()] : [];
}

/** What makes one proof of the client's identity another than the next. */
function proofParts(authentication: ClientAuthentication): string[] {
  switch (authentication.method) {
    case "client_secret_post":
    case "client_secret_basic":
    case "client_secret_jwt":
      return [authentication.clientSecret.reveal()];
    case "private_key_jwt":
      return [authentication.keys[0].privateJwk.reveal()];
    case "federated_token":
      return [authentication.file];
    default:
      return [];
  }
}
