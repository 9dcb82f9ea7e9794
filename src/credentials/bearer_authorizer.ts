/**
 * Signs requests with the token that a token manager keeps (RFC 6750, section 2.1).
 *
 * @module
 */
import type { Authorization, Authorizer, CredentialStatus, OutboundRequest } from "./authorizer.ts";
import type { Token } from "./token.ts";
import type { TokenManager } from "./tokens/token_manager.ts";

/** Puts a bearer token into the `Authorization` header. */
export class BearerAuthorizer implements Authorizer {
  readonly #kind: string;
  readonly #manager: TokenManager;
  readonly #beside: Readonly<Record<string, string>>;
  /** What was last given out: the same object for as long as the token is the same. */
  #last: { readonly token: Token; readonly authorization: Authorization } | undefined;

  /**
   * @param kind The way of signing, as in the configuration.
   * @param manager Keeps the token; it is closed with this authorizer.
   * @param beside Headers that go with every token.
   */
  constructor(
    kind: string,
    manager: TokenManager,
    beside: Readonly<Record<string, string>> = {},
  ) {
    this.#kind = kind;
    this.#manager = manager;
    this.#beside = beside;
  }

  /**
   * Makes the `Authorization` header, at once when a valid token is at hand.
   *
   * @throws {GatewayError} As `TokenManager.token`.
   */
  authorize(request: Pick<OutboundRequest, "signal">): Authorization | Promise<Authorization> {
    const token = this.#manager.token(request.signal);
    return token instanceof Promise
      ? token.then((token) => this.#authorization(token))
      : this.#authorization(token);
  }

  /**
   * Tells that the store refused what `authorize` gave. Only a 401 is about the token (RFC 6750,
   * section 3.1): a 403 says that the client may not do this with whatever token.
   *
   * @returns Whether asking `authorize` again may give something else.
   */
  async invalidate(
    authorization: Authorization,
    refusal: Pick<Response, "status">,
  ): Promise<boolean> {
    if (refusal.status !== 401) return false;
    // What was given out before the last token has been replaced already.
    if (this.#last?.authorization !== authorization) return true;
    return await this.#manager.invalidate(this.#last.token);
  }

  /** @returns What may be told about the token. */
  describe(): CredentialStatus {
    const { endpoint, expiresAtMs } = this.#manager;
    const hasToken = this.#manager.current() !== undefined;
    return { kind: this.#kind, endpoint, hasToken, expiresAtMs };
  }

  /**
   * Fetches a new token now; the one at hand stays in use if that fails.
   *
   * @throws {GatewayError} As `TokenManager.renew`.
   */
  async renew(signal: AbortSignal = new AbortController().signal): Promise<void> {
    await this.#manager.renew(signal);
  }

  /**
   * Drops the token, for everyone who shares the cache.
   *
   * @throws {GatewayError} As `TokenManager.forget`.
   */
  async forget(revocation: string): Promise<void> {
    await this.#manager.forget(revocation);
  }

  /** Stops background renewal. */
  async close(): Promise<void> {
    await this.#manager.close();
  }

  #authorization(token: Token): Authorization {
    if (this.#last?.token === token) return this.#last.authorization;
    const headers = Object.freeze({
      ...this.#beside,
      authorization: `${token.type} ${token.value}`,
    });
    const authorization = Object.freeze({ headers });
    this.#last = { token, authorization };
    return authorization;
  }
}
