/**
 * Speaks to one OAuth2 token endpoint, whatever the grant: sends the request and hands the answer to
 * be judged.
 *
 * @module
 */
import type { AuthenticateClient } from "./client_authentication.ts";
import { exchange, type ProviderConnection, withinTimeLimit } from "./provider_exchange.ts";
import type { ProviderName } from "./remedies/remedy.ts";
import type { Token } from "./token.ts";
import { parseTokenResponse } from "./token_response.ts";

const SERVICE = "token endpoint";

/** What a token endpoint is and how it is reached. */
export interface TokenEndpointOptions extends ProviderConnection {
  readonly url: string;
  /** What the provider may echo and no message may repeat. */
  readonly secrets: readonly string[];
  /** The provider, where the configuration says it: its own remedies are told. */
  readonly provider?: ProviderName | undefined;
}

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
 * @returns The request.
 */
export async function buildTokenRequest(
  grant: URLSearchParams,
  authenticate: AuthenticateClient,
): Promise<TokenRequest> {
  const body = new URLSearchParams(grant);
  const headers = new Headers({
    "accept": "application/json",
    "content-type": "application/x-www-form-urlencoded",
  });
  await authenticate(body, headers);
  return { headers, body };
}

/** One token endpoint. */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;

  /** @param options What it is and how it is reached. */
  constructor(options: TokenEndpointOptions) {
    this.#options = options;
  }

  /** Its address. */
  get url(): string {
    return this.#options.url;
  }

  /**
   * Asks for a token, once.
   *
   * @param grant The grant's parameters.
   * @param authenticate How the client shows who it is.
   * @param signal Aborts the request.
   * @returns The token.
   * @throws {GatewayError} As `parseTokenResponse`; NET-001 after the time limit, NET-003 for an
   * untrusted certificate, AUTH-003 where no answer came.
   * @throws The signal's reason when it aborts.
   */
  request(
    grant: URLSearchParams,
    authenticate: AuthenticateClient,
    signal: AbortSignal,
  ): Promise<Token> {
    const { server, secrets, clock } = this.#options;
    return withinTimeLimit(this.#options, SERVICE, signal, async (signal) => {
      const { headers, body } = await buildTokenRequest(grant, authenticate);
      const issuedAtMs = clock.now();
      const response = await exchange(this.#options, SERVICE, {
        url: this.url,
        method: "POST",
        headers,
        // A string, not the parameters: their content type would add a charset that some refuse.
        body: body.toString(),
        signal,
      });
      return parseTokenResponse(response, {
        server,
        issuedAtMs,
        secrets,
        endpoint: this.url,
        provider: this.#options.provider,
      });
    });
  }
}
