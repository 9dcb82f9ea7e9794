/**
 * Signs requests with a token bound to a key, and with a proof of possession of that key (RFC 9449,
 * section 7).
 */
import type {
  Authorization,
  Authorizer,
  CredentialStatus,
  OutboundRequest,
} from "../authorizer.ts";
import type { BearerAuthorizer } from "../bearer_authorizer.ts";
import type { DpopKey } from "./dpop_key.ts";

/** Sets the `Authorization` and `DPoP` headers. */
export class DpopAuthorizer implements Authorizer {
  readonly #token: BearerAuthorizer;
  readonly #key: DpopKey;
  /** The authorization of `#token` that each authorization was made of. */
  readonly #tokens = new WeakMap<Authorization, Authorization>();

  /** @param token Provides the tokens bound to the key; it is closed with this authorizer. */
  constructor(token: BearerAuthorizer, key: DpopKey) {
    this.#token = token;
    this.#key = key;
  }

  /** @throws {GatewayError} As `TokenManager.token`. */
  async authorize(request: OutboundRequest): Promise<Authorization> {
    const { method, url } = request;
    const token = await this.#token.authorize(request);
    const accessToken = token.headers["authorization"]?.split(" ")[1] ?? "";
    const dpop = await this.#key.proof({ method, url, accessToken });
    const authorization = { headers: { ...token.headers, dpop } };
    this.#tokens.set(authorization, token);
    return authorization;
  }

  /** If the store requires a nonce in the proof (RFC 9449, section 9), the token stays in use. */
  async invalidate(authorization: Authorization, refusal: Response): Promise<boolean> {
    if (wantsNonce(refusal)) return refusal.headers.has("dpop-nonce");
    const token = this.#tokens.get(authorization);
    return token !== undefined && await this.#token.invalidate(token, refusal);
  }

  /** Stores the nonce that a response brings for the next request. */
  observe(url: string, headers: Headers): void {
    this.#key.learnNonce(url, headers);
  }

  /** As the provider of the tokens. */
  describe(): CredentialStatus {
    return this.#token.describe();
  }

  /** @throws {GatewayError} As `TokenManager.renew`. */
  async renew(signal?: AbortSignal): Promise<void> {
    await this.#token.renew(signal);
  }

  /** @throws {GatewayError} As `TokenManager.forget`. */
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
