/**
 * Tokens of a Google user who has once signed in: the refresh token that this left is exchanged for
 * them (RFC 6749, section 6).
 *
 * @module
 */
import type { GoogleAuthorizedUser } from "../../config/schemes/google/google_credentials.ts";
import { clientSecretPost } from "../oauth2/client_authentication.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import type { ProviderConnection } from "../provider_exchange.ts";
import { TokenEndpoint } from "../oauth2/token_endpoint.ts";
import type { AuthenticateClient } from "../oauth2/token_request.ts";
import { withOAuthError } from "./google_error.ts";

/** A user's refresh token. */
export class AuthorizedUserSource implements TokenSource {
  readonly fingerprint: string;
  readonly #endpoint: TokenEndpoint;
  readonly #grant: URLSearchParams;
  readonly #authenticate: AuthenticateClient;

  /**
   * @param user The refresh token and the client that it was given to.
   * @param scope Scopes to ask for, separated by blanks: at most those that the user agreed to.
   */
  constructor(user: GoogleAuthorizedUser, scope: string, connection: ProviderConnection) {
    const secret = user.clientSecret.reveal();
    const refreshToken = user.refreshToken.reveal();
    this.#endpoint = new TokenEndpoint({
      ...connection,
      url: user.tokenEndpoint,
      secrets: [secret, refreshToken],
      provider: "google",
      translate: withOAuthError,
    });
    this.#grant = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: refreshToken,
      scope,
    });
    this.#authenticate = clientSecretPost(user.clientId, secret);
    this.fingerprint = fingerprint([
      user.type,
      user.tokenEndpoint,
      user.clientId,
      secret,
      refreshToken,
      scope,
    ]);
  }

  /** The token endpoint. */
  get endpoint(): string {
    return this.#endpoint.url;
  }

  /**
   * Asks for a new token, once.
   *
   * @throws {GatewayError} As `TokenEndpoint.request`.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    return this.#endpoint.request(this.#grant, this.#authenticate, signal);
  }
}
