/**
 * Makes token requests, whatever the grant and however the client shows who it is.
 *
 * @module
 */
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";

/** Where a token request goes. */
export interface AuthenticationTarget {
  /** URL of the token endpoint. */
  readonly tokenEndpoint: string;
  /** The provider's issuer, where it is known by discovery. */
  readonly issuer?: string | undefined;
  /** The provider, where the configuration says it. */
  readonly provider?: ProviderName | undefined;
}

/** Adds the client's identity and its proof to a token request. */
export type AuthenticateClient = (
  parameters: URLSearchParams,
  headers: Headers,
  target: AuthenticationTarget,
) => void | Promise<void>;

/** A token request, ready to be sent. */
export interface TokenRequest {
  readonly headers: Headers;
  readonly body: URLSearchParams;
}

/**
 * Makes the token request of a grant.
 *
 * @param grant The grant's parameters, `grant_type` among them.
 * @param authenticate How the client shows who it is.
 */
export async function buildTokenRequest(
  grant: URLSearchParams,
  authenticate: AuthenticateClient,
  target: AuthenticationTarget,
): Promise<TokenRequest> {
  const body = new URLSearchParams(grant);
  const headers = new Headers({
    "accept": "application/json",
    "content-type": "application/x-www-form-urlencoded",
  });
  await authenticate(body, headers, target);
  return { headers, body };
}
