/**
 * Signs requests with a token that is bound to a key, and with a proof that the key is here
 * (RFC 9449, section 7).
 *
 * @module
 */
import type {
  Authorization,
  Authorizer,
  CredentialStatus,
  OutboundRequest,
} from "../authorizer.ts";
import type { BearerAuthorizer } from "../bearer_authorizer.ts";
import type { DpopKey } from "./dpop_key.ts";

/** Puts a token and a proof into the `Authorization` and `DPoP` headers. */
export class DpopAuthorizer implements Authorizer {
  readonly #token: BearerAuthorizer;
  readonly #key: DpopKey;
  /** What the token alone was given out as, by what was made of it. */
  readonly #tokens = new WeakMap<Authorization, Authorization>();

  /**
   * @param token Keeps the token; it is closed with this authorizer.
   * @param key The key that its tokens are bound to.
   */
  constructor(token: BearerAuthorizer, key: DpopKey) {
    this.#token = token;
    this.#key = key;
  }

  /**
   * Makes the `Authorization` and `DPoP` headers.
   *
   * @throws {GatewayError} As `TokenManager.token`.
   */
  async authorize(request: OutboundRequest): Promise<Authorization> {
    const { method, url } = request;
    const token = await this.#token.authorize(request);
    const accessToken = token.headers["authorization"]?.split(" ")[1] ?? "";
    const dpop = await this.#key.proof({ method, url, accessToken });
    const authorization = { headers: { ...token.headers, dpop } };
    this.#tokens.set(authorization, token);
    return authorization;
  }

  /**
   * Tells that the store refused what `authorize` gave. Where it wants a nonce in the proof (RFC
   * 9449, section 9), the token stays in use.
   *
   * @returns Whether asking `authorize` again may give something else.
   */
  async invalidate(authorization: Authorization, refusal: Response): Promise<boolean> {
    if (wantsNonce(refusal)) return refusal.headers.has("dpop-nonce");
    const token = this.#tokens.get(authorization);
    return token !== undefined && await this.#token.invalidate(token, refusal);
  }

  /**
   * Takes note of the nonce that an answer brings for the next request.
   *
   * @param url The URL that answered.
   */
  observe(url: string, headers: Headers): void {
    this.#key.learnNonce(url, headers);
  }

  /** @returns What may be told about the token. */
  describe(): CredentialStatus {
    return this.#token.describe();
  }

  /**
   * Fetches a new token now; the one at hand stays in use if that fails.
   *
   * @throws {GatewayError} As `TokenManager.renew`.
   */
  async renew(signal?: AbortSignal): Promise<void> {
    await this.#token.renew(signal);
  }

  /**
   * Drops the token, for everyone who shares the cache.
   *
   * @throws {GatewayError} As `TokenManager.forget`.
   */
  async forget(revocation: string): Promise<void> {
    await this.#token.forget(revocation);
  }

  /** Stops background renewal. */
  async close(): Promise<void> {
    await this.#token.close();
  }
}

function wantsNonce({ status, headers }: Response): boolean {
  return status === 401 && /\buse_dpop_nonce\b/.test(headers.get("www-authenticate") ?? "");
}
