/**
 * Sends the token of a token manager in the `Authorization` header (RFC 6750, section 2.1).
 */
import type { Authorization, Authorizer, CredentialStatus, OutboundRequest } from "./authorizer.ts";
import type { Token } from "./token.ts";
import type { TokenManager } from "./tokens/token_manager.ts";

export class BearerAuthorizer implements Authorizer {
  readonly #kind: string;
  readonly #manager: TokenManager;
  /** The same object for as long as the token is the same. */
  #last: { readonly token: Token; readonly authorization: Authorization } | undefined;

  /**
   * @param kind The credential scheme, as in the configuration.
   * @param manager Is closed with this authorizer.
   */
  constructor(kind: string, manager: TokenManager) {
    this.#kind = kind;
    this.#manager = manager;
  }

  authorize(request: Pick<OutboundRequest, "signal">): Authorization | Promise<Authorization> {
    const token = this.#manager.token(request.signal);
    return token instanceof Promise
      ? token.then((token) => this.#authorization(token))
      : this.#authorization(token);
  }

  /**
   * Discards the token after a 401. A 403 is not about the token but about the client's
   * permissions (RFC 6750, section 3.1).
   */
  async invalidate(
    authorization: Authorization,
    refusal: Pick<Response, "status">,
  ): Promise<boolean> {
    if (refusal.status !== 401) return false;
    // An earlier token has been replaced already.
    if (this.#last?.authorization !== authorization) return true;
    return await this.#manager.invalidate(this.#last.token);
  }

  describe(): CredentialStatus {
    const { endpoint, expiresAtMs } = this.#manager;
    const token = this.#manager.current();
    return {
      kind: this.#kind,
      endpoint,
      hasToken: token !== undefined,
      expiresAtMs,
      ...(token?.scope !== undefined && { scope: token.scope }),
    };
  }

  async renew(signal: AbortSignal = new AbortController().signal): Promise<void> {
    await this.#manager.renew(signal);
  }

  async forget(revocation: string): Promise<void> {
    await this.#manager.forget(revocation);
  }

  async close(): Promise<void> {
    await this.#manager.close();
  }

  #authorization(token: Token): Authorization {
    if (this.#last?.token === token) return this.#last.authorization;
    const headers = Object.freeze({ authorization: `${token.type} ${token.value}` });
    const authorization = Object.freeze({ headers });
    this.#last = { token, authorization };
    return authorization;
  }
}
