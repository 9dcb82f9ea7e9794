/**
 * Speaks to one OAuth2 token endpoint, whatever the grant: sends the request within a time limit,
 * reads the answer up to a bound and hands it to be judged. It follows no redirect: that would
 * send the client's secret to another place.
 *
 * @module
 */
import { GatewayError } from "../errors/gateway_error.ts";
import type { HttpClient } from "../network/http_client.ts";
import type { AuthenticateClient } from "./client_authentication.ts";
import type { Clock } from "./clock.ts";
import type { Token } from "./token.ts";
import { parseTokenResponse, type TokenResponse } from "./token_response.ts";

/** Most that is read of an answer. A token is a few KiB; only a wrong address answers more. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** What a token endpoint is and how it is reached. */
export interface TokenEndpointOptions {
  readonly url: string;
  /** Name of the configured server, for messages. */
  readonly server: string;
  readonly http: Pick<HttpClient, "send">;
  /** Limit of a token request from start to end. */
  readonly timeoutMs: number;
  /** What the provider may echo and no message may repeat. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
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
  async request(
    grant: URLSearchParams,
    authenticate: AuthenticateClient,
    signal: AbortSignal,
  ): Promise<Token> {
    const { server, timeoutMs, secrets, clock } = this.#options;
    const timeout = new AbortController();
    const cancelTimeout = clock.after(timeoutMs, () => {
      const state = `token endpoint did not answer within ${timeoutMs} ms`;
      timeout.abort(this.#failure("NET-001", state));
    });
    try {
      const request = await buildTokenRequest(grant, authenticate);
      const issuedAtMs = clock.now();
      const response = await this.#exchange(request, AbortSignal.any([signal, timeout.signal]));
      return parseTokenResponse(response, { server, issuedAtMs, secrets });
    } finally {
      cancelTimeout();
    }
  }

  async #exchange({ headers, body }: TokenRequest, signal: AbortSignal): Promise<TokenResponse> {
    try {
      const response = await this.#options.http.send(this.url, {
        method: "POST",
        headers,
        // A string, not the parameters: their content type would add a charset that some refuse.
        body: body.toString(),
        signal,
      });
      const text = await readBounded(response, MAX_ANSWER_BYTES);
      if (text === undefined) {
        throw this.#failure(
          "TOK-005",
          `token endpoint answered more than ${MAX_ANSWER_BYTES} bytes`,
        );
      }
      return { status: response.status, headers: response.headers, body: text };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw this.#networkFailure(cause);
    }
  }

  /** An answer that breaks off, or a provider out of reach, heals; a certificate does not. */
  #networkFailure(cause: unknown): GatewayError {
    if (!(cause instanceof GatewayError)) {
      return this.#failure("AUTH-003", "the answer of the token endpoint broke off", cause);
    }
    if (cause.server !== undefined) return cause;
    const code = cause.code === "NET-002" ? "AUTH-003" : cause.code;
    return this.#failure(code, cause.message, cause);
  }

  #failure(code: GatewayError["code"], state: string, cause?: unknown): GatewayError {
    const { server } = this.#options;
    return new GatewayError(code, `Cannot fetch a token for server "${server}": ${state}`, {
      server,
      cause,
    });
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<string | undefined> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  // Leaving the loop early cancels the stream, so that the connection is not read on.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
