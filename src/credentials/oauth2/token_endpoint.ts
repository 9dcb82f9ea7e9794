/**
 * Requests tokens of one grant from an OAuth2 token endpoint.
 */
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { AuthenticationTarget } from "./client_assertion.ts";
import type { AuthenticateClient } from "./client_authentication.ts";
import type { DpopKey } from "./dpop_key.ts";
import {
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import type { Token, TokenSource } from "../token.ts";
import type { TokenEndpointDiscovery } from "./token_endpoint_discovery.ts";
import { parseTokenResponse } from "./token_response.ts";

const SERVICE = "token endpoint";

/** A token endpoint and what is requested from it. */
export interface TokenEndpointOptions extends ProviderConnection {
  readonly url: string | TokenEndpointDiscovery;
  /** Parameters of the grant, with `grant_type`. */
  readonly grant: URLSearchParams;
  readonly authenticate: AuthenticateClient;
  /** Further headers of the request, all secret. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What to do if the provider rejects the client (AUTH-001). */
  readonly rejectedClientSteps?: readonly string[];
  /** As in `TokenSource`. */
  readonly fingerprint: string;
  /** What no message may repeat besides the values in the request: secrets that it contains encoded. */
  readonly secrets?: readonly string[];
  /** The provider, if the configuration names it: selects its advice. */
  readonly provider?: ProviderName | undefined;
  /** Converts a response in a form of the provider's own to that of OAuth2. */
  readonly translate?: (answer: ProviderAnswer) => ProviderAnswer;
  /** The key that tokens are bound to. */
  readonly dpop?: DpopKey | undefined;
}

/** A source of tokens: one grant at one token endpoint. */
export class TokenEndpoint implements TokenSource {
  readonly fingerprint: string;
  readonly #options: TokenEndpointOptions;

  constructor(options: TokenEndpointOptions) {
    this.fingerprint = options.fingerprint;
    this.#options = options;
  }

  /** URL of the token endpoint; that of the issuer until discovery has found it. */
  get endpoint(): string {
    const { url } = this.#options;
    return typeof url === "string" ? url : url.url;
  }

  /**
   * Requests a token, once.
   *
   * @throws {GatewayError} As `parseTokenResponse`; NET-001 after the time limit, NET-003 for an
   * untrusted certificate, AUTH-003 without a response; what `authenticate` throws.
   * @throws The signal's reason when it aborts.
   */
  acquire(signal: AbortSignal): Promise<Token> {
    return withinTimeLimit(this.#options, SERVICE, signal, async (signal) => {
      const { url, provider } = this.#options;
      if (typeof url === "string") {
        return await this.#request({ tokenEndpoint: url, provider }, signal);
      }
      const target = { ...await url.locate(signal), provider };
      try {
        const token = await this.#request(target, signal);
        url.report(true);
        return token;
      } catch (error) {
        url.report(isRefusal(error));
        throw error;
      }
    });
  }

  async #request(target: AuthenticationTarget, signal: AbortSignal): Promise<Token> {
    const { dpop, server, secrets = [], provider, translate = (answer) => answer } = this.#options;
    const { headers = {}, rejectedClientSteps } = this.#options;
    let sent = await this.#send(target, signal);
    // Once: a provider that rejects its own nonce would never accept one.
    if (sent.hasNewNonce && isNonceRequest(sent.answer)) sent = await this.#send(target, signal);
    return parseTokenResponse(translate(sent.answer), {
      server,
      issuedAtMs: sent.issuedAtMs,
      secrets: [...secrets, ...Object.values(headers), ...sent.secrets],
      endpoint: target.tokenEndpoint,
      provider,
      rejectedClientSteps,
      tokenType: dpop === undefined ? "Bearer" : "DPoP",
    });
  }

  async #send(target: AuthenticationTarget, signal: AbortSignal): Promise<Sent> {
    const { grant, authenticate, dpop, clock } = this.#options;
    const url = target.tokenEndpoint;
    const body = new URLSearchParams(grant);
    const headers = new Headers({
      ...this.#options.headers,
      "accept": "application/json",
      "content-type": "application/x-www-form-urlencoded",
    });
    await authenticate(body, headers, target);
    if (dpop !== undefined) headers.set("dpop", await dpop.proof({ method: "POST", url }));
    const issuedAtMs = clock.now();
    const answer = await exchange(this.#options, SERVICE, {
      url,
      method: "POST",
      headers,
      // A string, not the parameters: their content type would add a charset that some reject.
      body: body.toString(),
      signal,
    });
    return {
      answer,
      issuedAtMs,
      secrets: secretsIn(headers, body),
      hasNewNonce: dpop?.learnNonce(url, answer.headers) ?? false,
    };
  }
}

/** A token request and its response. */
interface Sent {
  readonly answer: ProviderAnswer;
  readonly issuedAtMs: number;
  readonly secrets: readonly string[];
  readonly hasNewNonce: boolean;
}

/** The parameters of a token request that neither are secrets nor derive from one. */
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

/** All else that is sent, `TokenParameters` included, must not be repeated in a message. */
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
