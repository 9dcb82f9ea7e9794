/**
 * Tokens of a Google user: the refresh token of a sign-in is exchanged for them (RFC 6749, section 6).
 */
import type { GoogleAuthorizedUser } from "../../config/schemes/google/google_credentials.ts";
import { clientSecretPost } from "../oauth2/client_authentication.ts";
import { fingerprint, type TokenSource } from "../token.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import { TokenEndpoint } from "../oauth2/token_endpoint.ts";

/**
 * Creates the source of a user's tokens.
 *
 * @param scope Scopes separated by blanks: at most those that the user agreed to.
 */
export function authorizedUserSource(
  user: GoogleAuthorizedUser,
  scope: string,
  connection: ProviderConnection,
): TokenSource {
  const { type, tokenEndpoint, clientId } = user;
  const secret = user.clientSecret.reveal();
  const refreshToken = user.refreshToken.reveal();
  return new TokenEndpoint({
    ...connection,
    url: tokenEndpoint,
    grant: new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: refreshToken,
      scope,
    }),
    authenticate: clientSecretPost(clientId, secret),
    provider: "google",
    fingerprint: fingerprint([type, tokenEndpoint, clientId, secret, refreshToken, scope]),
  });
}
