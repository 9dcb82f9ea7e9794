/**
 * A configured DICOMweb store: takes a client's request, signs it, sends it below the store's base
 * URL and hands the answer back, both bodies streaming through the runtime without passing
 * through JavaScript. It refuses targets outside the base URL and redirects of the store.
 *
 * @module
 */
import type { ServerConfig } from "../config/gateway_config.ts";
import type { Authorization, Authorizer } from "../credentials/authorizer.ts";
import type { KeptBody } from "../credentials/kept_body.ts";
import { findTargetFault } from "../dicomweb/store_path.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { HttpClient } from "../network/http_client.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Deadlines } from "./deadlines.ts";
import { requestHeaders, responseHeaders } from "./end_to_end_headers.ts";

/** What a store works with. */
export interface StoreOptions {
  readonly config: ServerConfig;
  readonly authorizer: Authorizer;
  readonly http: HttpClient;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** Sent as `User-Agent` when the client names itself by none. */
  readonly userAgent: string;
}

/** A client's request to a store. */
export interface ForwardRequest {
  readonly request: Request;
  /** Path below the store's base URL and query, as they stood in the request line. */
  readonly target: string;
  /** Sent to the store as `X-Request-ID`. */
  readonly requestId: string;
  /** Settles when the answer has been sent to its end (RFC 9110), or failed to. */
  readonly completed: Promise<void>;
}

/** What an exchange is made of. */
interface Outgoing {
  readonly request: Request;
  readonly url: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Takes a body that has to be held until the exchange is over. */
  readonly keep: (body: KeptBody) => void;
}

/** One DICOMweb store. */
export class Store {
  /** The store's name in the configuration. */
  readonly name: string;
  /** Base URL of the store's DICOMweb service, without a trailing slash. */
  readonly url: string;
  /** How requests to it are signed. */
  readonly authorizer: Authorizer;
  readonly #options: StoreOptions;

  /** @param options What the store works with. */
  constructor(options: StoreOptions) {
    this.name = options.config.name;
    this.url = options.config.url;
    this.authorizer = options.authorizer;
    this.#options = options;
  }

  /**
   * Sends a request to the store.
   *
   * @param forward The client's request.
   * @returns The store's answer: its status, its body, its end-to-end headers.
   * @throws {GatewayError} NET-005 for a target that is refused, NET-004 for a redirect, TOK-002
   * when the store refuses the credential of a body that is gone, and whatever signing and sending throw.
   * @throws The reason of `request.signal` when the client has gone.
   */
  async forward({ request, target, requestId, completed }: ForwardRequest): Promise<Response> {
    const fault = findTargetFault(target);
    if (fault !== undefined) {
      throw new GatewayError("NET-005", `Cannot forward the request: ${fault}`, {
        server: this.name,
      });
    }
    const { deadlines, config } = this.#options;
    const { headersMs, transferMs } = config.timeouts;
    const exchange = deadlines.begin(
      request.body === null ? headersMs : transferMs,
      `server "${this.name}" to answer`,
    );
    const clientGone = () => exchange.abort(request.signal.reason);
    request.signal.addEventListener("abort", clientGone, { once: true });
    let kept: KeptBody | undefined;
    const end = () => {
      deadlines.end(exchange);
      kept?.close();
    };
    try {
      const response = await this.#exchange({
        request,
        url: this.url + target,
        requestId,
        signal: exchange.signal,
        keep: (body) => kept = body,
      });
      deadlines.extend(exchange, transferMs, `the body of server "${this.name}"`);
      completed.then(end, end);
      return response;
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Signs and sends; once more with a new credential when the store refuses the old one. */
  async #exchange({ request, url, requestId, signal, keep }: Outgoing): Promise<Response> {
    const { authorizer, http } = this.#options;
    const { method, body } = request;
    const headers = requestHeaders(request.headers);
    if (!headers.has("user-agent")) headers.set("user-agent", this.#options.userAgent);
    headers.set("x-request-id", requestId);
    let kept: KeptBody | undefined;
    for (let attempt = 1;; attempt++) {
      const signing = authorizer.authorize({ method, url, headers, body, kept, signal });
      const authorization = signing instanceof Promise ? await signing : signing;
      if (authorization.kept !== undefined) keep(kept = authorization.kept);
      for (const name in authorization.headers) headers.set(name, authorization.headers[name]!);
      const response = await http.send(authorization.url ?? url, {
        method,
        headers,
        body: authorization.body ?? body,
        signal,
      });
      if (attempt === 1 && (response.status === 401 || response.status === 403)) {
        const isGone = body !== null && kept === undefined;
        if (await this.#mayTryAgain(authorization, response, isGone)) continue;
      }
      return await this.#answer(response);
    }
  }

  /** After a refusal: tells whether the request can be sent again with another credential. */
  async #mayTryAgain(
    authorization: Authorization,
    response: Response,
    bodyIsGone: boolean,
  ): Promise<boolean> {
    if (!await this.authorizer.invalidate(authorization, response)) return false;
    await response.body?.cancel();
    const { status } = response;
    this.#options.logger.info("Store refused the credential; it was dropped", {
      server: this.name,
      status,
    });
    if (!bodyIsGone) return true;
    throw new GatewayError(
      "TOK-002",
      `Cannot finish the request: server "${this.name}" refused the credential (${status}), and ` +
        "the body that was streamed cannot be sent again; the next request uses a new one",
      { server: this.name },
    );
  }

  async #answer(response: Response): Promise<Response> {
    const { status } = response;
    if (status >= 300 && status < 400 && response.headers.has("location")) {
      await response.body?.cancel();
      throw new GatewayError(
        "NET-004",
        `Cannot follow server "${this.name}": it answered ${status}, a redirect`,
        { server: this.name },
      );
    }
    return new Response(response.body, { status, headers: responseHeaders(response.headers) });
  }
}
