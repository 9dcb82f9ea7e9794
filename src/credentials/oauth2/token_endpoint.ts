/**
 * Speaks to one OAuth2 token endpoint, whatever the grant: sends the request and hands the answer to
 * be judged.
 *
 * @module
 */
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { DpopKey } from "./dpop_key.ts";
import {
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import type { Token } from "../token.ts";
import type { TokenEndpointDiscovery } from "./token_endpoint_discovery.ts";
import {
  type AuthenticateClient,
  type AuthenticationTarget,
  buildTokenRequest,
} from "./token_request.ts";
import { parseTokenResponse } from "./token_response.ts";

const SERVICE = "token endpoint";

/** What a token endpoint is and how it is reached. */
export interface TokenEndpointOptions extends ProviderConnection {
  /** Its URL, or what learns it. */
  readonly url: string | TokenEndpointDiscovery;
  /** What the provider may echo and no message may repeat. */
  readonly secrets: readonly string[];
  /** The provider, where the configuration says it: its own remedies are told. */
  readonly provider?: ProviderName | undefined;
  /** Puts an answer that has a form of the provider's own into that of OAuth2. */
  readonly translate?: (answer: ProviderAnswer) => ProviderAnswer;
  /** The key that tokens are bound to, where they are. */
  readonly dpop?: DpopKey | undefined;
}

/** One token endpoint. */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;

  /** @param options What it is and how it is reached. */
  constructor(options: TokenEndpointOptions) {
    this.#options = options;
  }

  /** Its address; until it is known, that of the issuer. */
  get url(): string {
    const { url } = this.#options;
    return typeof url === "string" ? url : url.url;
  }

  /**
   * Asks for a token, once.
   *
   * @param authenticate How the client shows who it is.
   * @throws {GatewayError} As `parseTokenResponse`; NET-001 after the time limit, NET-003 for an
   * untrusted certificate, AUTH-003 where no answer came.
   * @throws The signal's reason when it aborts.
   */
  request(
    grant: URLSearchParams,
    authenticate: AuthenticateClient,
    signal: AbortSignal,
  ): Promise<Token> {
    return withinTimeLimit(this.#options, SERVICE, signal, async (signal) => {
      const { url, provider } = this.#options;
      if (typeof url === "string") {
        return await this.#ask(grant, authenticate, { tokenEndpoint: url, provider }, signal);
      }
      const target = { ...await url.locate(signal), provider };
      try {
        const token = await this.#ask(grant, authenticate, target, signal);
        url.report(true);
        return token;
      } catch (error) {
        url.report(isRefusal(error));
        throw error;
      }
    });
  }

  async #ask(
    grant: URLSearchParams,
    authenticate: AuthenticateClient,
    target: AuthenticationTarget,
    signal: AbortSignal,
  ): Promise<Token> {
    const { dpop } = this.#options;
    const send = async () => {
      const { headers, body } = await buildTokenRequest(grant, authenticate, target);
      const url = target.tokenEndpoint;
      if (dpop !== undefined) headers.set("dpop", await dpop.proof({ method: "POST", url }));
      const issuedAtMs = this.#options.clock.now();
      const answer = await exchange(this.#options, SERVICE, {
        url,
        method: "POST",
        headers,
        // A string, not the parameters: their content type would add a charset that some refuse.
        body: body.toString(),
        signal,
      });
      return {
        answer,
        issuedAtMs,
        secrets: secretsIn(headers, body),
        hasNewNonce: dpop?.learnNonce(url, answer.headers) ?? false,
      };
    };
    let sent = await send();
    // Once: a provider that refuses its own nonce would never be content.
    if (sent.hasNewNonce && isNonceRequest(sent.answer)) sent = await send();
    const { server, secrets, provider, translate = (answer) => answer } = this.#options;
    return parseTokenResponse(translate(sent.answer), {
      server,
      issuedAtMs: sent.issuedAtMs,
      secrets: [...secrets, ...sent.secrets],
      endpoint: target.tokenEndpoint,
      provider,
      tokenType: dpop === undefined ? "Bearer" : "DPoP",
    });
  }
}

/** What of a token request is no secret, nor made of one. */
const PLAIN_PARAMETERS: ReadonlySet<string> = new Set([
  "grant_type",
  "client_id",
  "client_assertion_type",
  "scope",
  "audience",
  "resource",
  "requested_token_type",
  "subject_token_type",
]);

/** Whatever else is sent, `TokenParameters` among it, no message may repeat. */
function secretsIn(headers: Headers, body: URLSearchParams): string[] {
  return [
    headers.get("authorization")?.split(" ").at(-1) ?? "",
    headers.get("dpop") ?? "",
    ...[...body].filter(([name]) => !PLAIN_PARAMETERS.has(name)).map(([, value]) => value),
  ];
}

/** RFC 9449, section 8. */
function isNonceRequest({ status, body }: ProviderAnswer): boolean {
  return status === 400 && /"error"\s*:\s*"use_dpop_nonce"/.test(body);
}

/** Whether the failure is the answer of a token endpoint, not of something in its place. */
function isRefusal(error: unknown): boolean {
  return error instanceof GatewayError && (error.code === "AUTH-001" || error.code === "AUTH-002");
}
