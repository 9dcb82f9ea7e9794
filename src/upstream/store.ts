/**
 * A configured DICOMweb store: takes a client's request and hands the store's answer back, both bodies
 * streaming through the runtime without passing through JavaScript. It refuses targets outside the
 * store's base URL.
 *
 * @module
 */
import type { Authorizer } from "../credentials/authorizer.ts";
import type { Transaction } from "../dicomweb/transaction/transaction.ts";
import { findTargetFault } from "../dicomweb/transaction/store_path.ts";
import { wholeAnswerBody, wholeRequestBody } from "../dicomweb/completeness/whole_body.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { answerTagAsAsked } from "./changed_body.ts";
import type { ConcurrencyLimit } from "./concurrency_limit.ts";
import type { Deadlines } from "./deadlines.ts";
import { answerHeaderList, requestHeaders, responseHeaders } from "./end_to_end_headers.ts";
import { dispatch, type DispatchOptions } from "./dispatch.ts";
import { watchIdle } from "./idle_watch.ts";
import { Pace } from "./pace.ts";
import { presentBody } from "./present_body.ts";
import { RunningRequest } from "./running_request.ts";
import { StoreDialect } from "./store_dialect.ts";
import { TranslatedResponse } from "./store_exchange.ts";
import { StoreClient, type StoreClientOptions } from "./store_client.ts";
import { storeLimits } from "./store_limits.ts";
import { openStoreWebSocket, type OpenWebSocket, type Upgrade } from "./store_web_socket.ts";

/** What a store works with. */
export interface StoreOptions extends StoreClientOptions {
  readonly deadlines: Deadlines;
  /** A header by which clients show the gateway who they are, which the store shall not see. */
  readonly credentialHeader?: string | undefined;
  /** Whether the runtime tells the store of its own spans. */
  readonly isTraced?: boolean | undefined;
  /** Sent as `User-Agent` when the client names itself by none. */
  readonly userAgent: string;
  /** How many workers share what the store may get at once; 1 unless given. */
  readonly workers?: number;
}

/** How much of the bodies has passed, where they pass through JavaScript and so can be counted. */
export interface PassedBytes {
  /** Of the request's body. */
  fromClient: number | undefined;
  /** Of the answer's body. */
  fromStore: number | undefined;
}

/** A client's request to a store. */
export interface ForwardRequest {
  readonly request: Request;
  /** Path below the store's base URL and query, as they stood in the request line. */
  readonly target: string;
  /** What it asks for. */
  readonly transaction: Transaction;
  /** Sent to the store as `X-Request-ID`. */
  readonly requestId: string;
  /** The gateway's URL as the client sees it; nothing where it is not known. */
  readonly publicUrl: string | undefined;
  /** Settles when the answer has been sent to its end (RFC 9110), or failed to. */
  readonly completed: Promise<void>;
  /** Told how much of the bodies has passed, where that can be counted. */
  readonly passed?: PassedBytes | undefined;
}

/** A body on its way. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>> | null;

/** W3C Trace Context, section 3.2; others would make the store refuse the request, or forge its log. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]{0,100})?$/;

/** One DICOMweb store. */
export class Store {
  /** The store's name in the configuration. */
  readonly name: string;
  /** Base URL of the store's DICOMweb service, without a trailing slash. */
  readonly url: string;
  /** How requests to it are signed. */
  readonly authorizer: Authorizer;
  readonly #options: StoreOptions;
  readonly #client: StoreClient;
  readonly #dialect: StoreDialect;
  /** What dispatching depends on, the same for all requests. */
  readonly #dispatching: Omit<DispatchOptions, "accept">;
  /** What requests wait for, as messages name it. */
  readonly #waits: { readonly answer: string; readonly body: string; readonly nextPiece: string };
  readonly #limit: ConcurrencyLimit;
  /** For requests with a body, besides the limit of all. */
  readonly #uploads: ConcurrencyLimit;
  /** For WebSockets, besides that of requests with a body, which as they go on as long as clients like. */
  readonly #sockets: ConcurrencyLimit;

  /** @param options What the store works with. */
  constructor(options: StoreOptions) {
    this.name = options.config.name;
    this.url = options.config.url;
    this.authorizer = options.authorizer;
    this.#options = options;
    this.#client = new StoreClient(options);
    const { name, url, profile } = options.config;
    this.#dialect = new StoreDialect(url, profile);
    this.#dispatching = {
      rules: profile.rules,
      pace: new Pace(profile.rules.requestsPerSecond),
      server: name,
      storeUrl: url,
      logger: options.logger,
    };
    this.#waits = {
      answer: `server "${name}" to answer`,
      body: `the body of server "${name}"`,
      nextPiece: `the next piece of the body of server "${name}"`,
    };
    [this.#limit, this.#uploads, this.#sockets] = storeLimits(options);
  }

  /**
   * Sends a request to the store.
   *
   * @returns The store's answer: its status, its body, its end-to-end headers.
   * @throws {GatewayError} NET-005 for a target that is refused, NET-011 when too many are under way,
   * and whatever `StoreClient.send` throws.
   * @throws The reason of `request.signal` when the client has gone.
   */
  async forward(forward: ForwardRequest): Promise<Response> {
    const running = this.#prepare(forward);
    try {
      const body = await this.#admit(forward, running);
      const response = await this.#dispatch(forward, running, body);
      return await this.#present(forward, running, response);
    } catch (error) {
      running.end();
      throw error;
    }
  }

  /** Checks the target, and starts the clock. */
  #prepare({ request, target }: Pick<ForwardRequest, "request" | "target">): RunningRequest {
    this.#checkTarget(target);
    const { deadlines, config: { timeouts } } = this.#options;
    return new RunningRequest(deadlines, request.signal, {
      limitMs: request.body === null ? timeouts.headersMs : timeouts.transferMs,
      waitingFor: this.#waits.answer,
    });
  }

  /**
   * Waits for the begin of the body, and for a place under the concurrency limits.
   *
   * @returns The client's body; `null` without one.
   */
  async #admit({ request, passed }: ForwardRequest, running: RunningRequest): Promise<Body> {
    const { deadlines, config: { timeouts: { headersMs, idleMs } } } = this.#options;
    const present = presentBody(request, running.signal);
    const body = present instanceof Promise ? await present : present;
    if (body !== null) await running.enter(this.#uploads);
    else if (request.body !== null) running.extend(headersMs, this.#waits.answer);
    const turn = running.enter(this.#limit);
    if (turn !== undefined) await turn;
    if (body === null || idleMs === undefined) return body;
    const watched = watchIdle(body, {
      deadlines,
      exchange: running.exchange,
      idleMs,
      waitingFor: "the next piece of the client's body",
      status: 408,
      onPiece: counting(passed, "fromClient"),
    });
    return wholeRequestBody(watched, request.headers);
  }

  /**
   * Sends what the client asks for, in the store's terms.
   *
   * @returns The response, in the store's terms.
   */
  async #dispatch(
    { request, target, transaction, requestId, publicUrl }: ForwardRequest,
    running: RunningRequest,
    body: Body,
  ): Promise<Response> {
    const { headersMs, transferMs } = this.#options.config.timeouts;
    const headers = this.#headersFor(request, requestId);
    const gatewayBase = this.#baseAt(publicUrl);
    const exchange = {
      client: this.#client,
      method: request.method,
      target,
      headers,
      body: this.#dialect.toStore(transaction, target, { headers, body }, gatewayBase),
      signal: running.signal,
      keep: running.keep,
      translateUrl: this.#dialect.urlTranslation(target, gatewayBase),
      proceed: () => {
        if (!running.isAnswered) running.extend(headersMs, this.#waits.answer);
      },
    };
    const accept = request.headers.get("accept");
    const response = await dispatch(exchange, transaction, { ...this.#dispatching, accept });
    running.isAnswered = true;
    running.extend(transferMs, this.#waits.body);
    return response;
  }

  /** Makes the response for the client of the store's. */
  async #present(
    { request, target, transaction, requestId, publicUrl, completed, passed }: ForwardRequest,
    running: RunningRequest,
    response: Response,
  ): Promise<Response> {
    completed.then(running.end, running.end);
    const { status } = response;
    const watched = this.#watch(response, running, passed);
    const headers = responseHeaders(response.headers, this.#options.credentialHeader);
    headers.set("x-request-id", requestId);
    if (status === 304) answerTagAsAsked(headers, request.headers.get("if-none-match"));
    const question = { method: request.method, transaction, target };
    const translated = response instanceof TranslatedResponse
      ? undefined
      : this.#dialect.toClient(question, watched, headers, this.#baseAt(publicUrl));
    // Such a body passes natively and ends with the client by itself. The runtime calls its end an
    // abort, whether the client has it whole or not, and to abort costs more than all checks do.
    if (translated === undefined && headers.has("content-length")) running.detach();
    const body = translated === undefined ? watched.body : await translated;
    return new Response(body, { status, headers: answerHeaderList(headers) });
  }

  /** Limits how long a body may stall, if the configuration does. */
  #watch(
    response: Response,
    { exchange }: RunningRequest,
    passed: PassedBytes | undefined,
  ): Response {
    const { deadlines, config: { timeouts: { idleMs } } } = this.#options;
    if (idleMs === undefined || response.body === null) return response;
    const { body, headers } = response;
    const watched = watchIdle(wholeAnswerBody(body, headers), {
      deadlines,
      exchange,
      idleMs,
      waitingFor: this.#waits.nextPiece,
      onPiece: counting(passed, "fromStore"),
    });
    return new Response(watched, response);
  }

  /** The URL by which the client reaches this store; undefined if that is not known. */
  #baseAt(publicUrl: string | undefined): string | undefined {
    return publicUrl && `${publicUrl}/dicom-web/${this.name}`;
  }

  /**
   * Opens a WebSocket at the store and joins the client's to it.
   *
   * @throws {GatewayError} NET-005 for a target that is refused, and whatever `openStoreWebSocket` throws.
   * @throws The reason of `request.signal` when the client has gone.
   */
  async openWebSocket(
    { request, target, requestId }: Pick<ForwardRequest, "request" | "target" | "requestId">,
    upgrade: Upgrade,
  ): Promise<OpenWebSocket> {
    const running = this.#prepare({ request, target });
    const headers = this.#headersFor(request, requestId);
    const offered = request.headers.get("sec-websocket-protocol");
    const { http, config } = this.#options;
    const limits = [this.#sockets, this.#uploads, this.#limit];
    return await openStoreWebSocket(
      { target, headers, offered, running },
      { client: this.#client, http, config, limits },
      upgrade,
    );
  }

  #checkTarget(target: string): void {
    const fault = findTargetFault(target);
    if (fault === undefined) return;
    throw new GatewayError("NET-005", `Cannot forward the request: ${fault}`, {
      server: this.name,
    });
  }

  #headersFor(request: Request, requestId: string): Headers {
    const headers = requestHeaders(request.headers, this.#options.credentialHeader);
    if (!headers.has("user-agent")) headers.set("user-agent", this.#options.userAgent);
    headers.set("x-request-id", requestId);
    // Chunks count more than a length beside them (RFC 9112, section 6.3).
    if (request.headers.has("transfer-encoding")) headers.delete("content-length");
    const traceparent = headers.get("traceparent");
    // The runtime continues the client's trace by a header of its own.
    if (traceparent !== null && (this.#options.isTraced || !TRACE_PARENT.test(traceparent))) {
      headers.delete("traceparent");
      headers.delete("tracestate");
    }
    if (!this.#options.config.compression) headers.set("accept-encoding", "identity");
    return headers;
  }
}

function counting(
  passed: PassedBytes | undefined,
  side: keyof PassedBytes,
): ((bytes: number) => void) | undefined {
  if (passed === undefined) return undefined;
  passed[side] = 0;
  return (bytes) => {
    passed[side] = (passed[side] ?? 0) + bytes;
  };
}
