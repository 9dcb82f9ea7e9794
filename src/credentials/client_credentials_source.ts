/**
 * Tokens by the OAuth2 client credentials grant (RFC 6749, section 4.4).
 *
 * @module
 */
import type { ClientCredentials } from "../config/gateway_config.ts";
import { type AuthenticateClient, createClientAuthentication } from "./client_authentication.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Token, TokenSource } from "./token.ts";
import { TokenEndpoint, type TokenEndpointOptions } from "./token_endpoint.ts";

/**
 * The parameters of a client credentials grant.
 *
 * @param credentials What the configuration says.
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

/** A client that asks for tokens on its own behalf. */
export class ClientCredentialsSource implements TokenSource {
  readonly fingerprint: string;
  readonly #endpoint: TokenEndpoint;
  readonly #grant: URLSearchParams;
  readonly #authenticate: AuthenticateClient;

  /**
   * @param credentials What the configuration says.
   * @param connection How the token endpoint is reached.
   */
  constructor(
    credentials: ClientCredentials,
    connection: Omit<TokenEndpointOptions, "url" | "secrets">,
  ) {
    const { tokenEndpoint, clientId, clientAuthentication } = credentials;
    const secret = clientAuthentication.clientSecret.reveal();
    this.#endpoint = new TokenEndpoint({
      ...connection,
      url: tokenEndpoint,
      secrets: [secret, `${clientId}:${secret}`],
    });
    this.#grant = clientCredentialsGrant(credentials);
    this.#authenticate = createClientAuthentication(clientId, clientAuthentication);
    this.fingerprint = fingerprint([
      tokenEndpoint,
      clientId,
      clientAuthentication.method,
      secret,
      ...this.#grant,
    ]);
  }

  /** The token endpoint. */
  get endpoint(): string {
    return this.#endpoint.url;
  }

  /**
   * Asks for a new token, once.
   *
   * @param signal Aborts the request.
   * @returns The new token.
   * @throws {GatewayError} As `TokenEndpoint.request`.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    return this.#endpoint.request(this.#grant, this.#authenticate, signal);
  }
}
