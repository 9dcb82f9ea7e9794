/**
 * A configured DICOMweb store: takes a client's request and hands the store's answer back, both bodies
 * streaming through the runtime without passing through JavaScript. It refuses targets outside the
 * store's base URL.
 *
 * @module
 */
import type { Authorizer } from "../credentials/authorizer.ts";
import type { KeptBody } from "../credentials/kept_body.ts";
import type { Transaction } from "../dicomweb/transaction.ts";
import { findTargetFault } from "../dicomweb/store_path.ts";
import { wholeAnswerBody, wholeRequestBody } from "../dicomweb/whole_body.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { answerTagAsAsked } from "./changed_body.ts";
import type { ConcurrencyLimit } from "./concurrency_limit.ts";
import type { Deadlines } from "./deadlines.ts";
import { answerHeaderList, requestHeaders, responseHeaders } from "./end_to_end_headers.ts";
import { watchIdle } from "./idle_watch.ts";
import { WebSocketRelay } from "./web_socket_relay.ts";
import { Pace } from "./pace.ts";
import { presentBody } from "./present_body.ts";
import { StoreDialect } from "./store_dialect.ts";
import { transact } from "./transact.ts";
import { StoreClient, type StoreClientOptions } from "./store_client.ts";
import { storeLimits } from "./store_limits.ts";

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
  readonly #pace: Pace;
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
    const { url, profile } = options.config;
    this.#dialect = new StoreDialect(url, profile);
    this.#pace = new Pace(profile.rules.requestsPerSecond);
    [this.#limit, this.#uploads, this.#sockets] = storeLimits(options);
  }

  /**
   * Sends a request to the store.
   *
   * @param forward The client's request.
   * @returns The store's answer: its status, its body, its end-to-end headers.
   * @throws {GatewayError} NET-005 for a target that is refused, NET-011 when too many are under way,
   * and whatever `StoreClient.send` throws.
   * @throws The reason of `request.signal` when the client has gone.
   */
  async forward(forward: ForwardRequest): Promise<Response> {
    const { request, target, transaction, requestId, publicUrl, completed } = forward;
    this.#checkTarget(target);
    const { method } = request;
    const { deadlines, config } = this.#options;
    const gatewayBase = publicUrl && `${publicUrl}/dicom-web/${this.name}`;
    const { headersMs, transferMs, idleMs } = config.timeouts;
    const answering = `server "${this.name}" to answer`;
    const exchange = deadlines.begin(request.body === null ? headersMs : transferMs, answering);
    const clientGone = () => exchange.abort(request.signal.reason);
    request.signal.addEventListener("abort", clientGone, { once: true });
    const kept = new Set<KeptBody>();
    let isInside = false;
    let isUpload = false;
    let isAnswered = false;
    const end = () => {
      if (isInside) this.#limit.leave();
      if (isUpload) this.#uploads.leave();
      isInside = isUpload = false;
      deadlines.end(exchange);
      for (const body of kept) body.close();
    };
    try {
      const present = presentBody(request, exchange.signal);
      const given = present instanceof Promise ? await present : present;
      if (given !== null) {
        await this.#uploads.enter(exchange.signal);
        isUpload = true;
      } else if (request.body !== null) deadlines.extend(exchange, headersMs, answering);
      const turn = this.#limit.enter(exchange.signal);
      if (turn !== undefined) await turn;
      isInside = true;
      const accept = request.headers.get("accept");
      const sent = {
        headers: this.#headersFor(request, requestId),
        body: given === null || idleMs === undefined ? given : wholeRequestBody(
          watchIdle(given, {
            deadlines,
            exchange,
            idleMs,
            waitingFor: "the next piece of the client's body",
            status: 408,
            onPiece: counting(forward.passed, "fromClient"),
          }),
          request.headers,
        ),
      };
      const body = this.#dialect.toStore(transaction, target, sent, gatewayBase);
      let response = await transact(
        {
          client: this.#client,
          method,
          target,
          headers: sent.headers,
          body,
          signal: exchange.signal,
          keep: (body) => kept.add(body),
          proceed: () => {
            if (!isAnswered) deadlines.extend(exchange, headersMs, answering);
          },
        },
        transaction,
        {
          rules: config.profile.rules,
          pace: this.#pace,
          accept,
          server: this.name,
          storeUrl: this.url,
          logger: this.#options.logger,
        },
      );
      isAnswered = true;
      deadlines.extend(exchange, transferMs, `the body of server "${this.name}"`);
      completed.then(end, end);
      if (idleMs !== undefined && response.body !== null) {
        const waitingFor = `the next piece of the body of server "${this.name}"`;
        const watched = watchIdle(wholeAnswerBody(response.body, response.headers), {
          deadlines,
          exchange,
          idleMs,
          waitingFor,
          onPiece: counting(forward.passed, "fromStore"),
        });
        response = new Response(watched, response);
      }
      const { status } = response;
      const headers = responseHeaders(response.headers, this.#options.credentialHeader);
      headers.set("x-request-id", requestId);
      if (status === 304) answerTagAsAsked(headers, request.headers.get("if-none-match"));
      const translated = this.#dialect.toClient(
        transaction,
        target,
        response,
        headers,
        gatewayBase,
      );
      // Such a body passes natively and ends with the client by itself. The runtime calls its end an
      // abort, whether the client has it whole or not, and to abort costs more than all checks do.
      if (translated === response.body && headers.has("content-length")) {
        request.signal.removeEventListener("abort", clientGone);
      }
      return new Response(translated instanceof Promise ? await translated : translated, {
        status,
        headers: answerHeaderList(headers),
      });
    } catch (error) {
      end();
      throw error;
    }
  }

  /**
   * Opens the store's side of a WebSocket, and joins it to the client's once that is open. It takes a
   * place at the store until it is closed.
   *
   * @param forward The client's handshake.
   * @param upgrade Accepts the handshake with the subprotocol that the store chose.
   * @returns What `upgrade` answers the client, and when both sides are closed.
   * @throws {GatewayError} NET-005 for a target that is refused, NET-011 when too many are open, and
   * whatever `StoreClient.openWebSocket` throws.
   * @throws The reason of `request.signal` when the client has gone.
   */
  async openWebSocket(
    { request, target, requestId }: Omit<ForwardRequest, "completed" | "publicUrl">,
    upgrade: (protocol: string) => { readonly socket: WebSocket; readonly response: Response },
  ): Promise<{ readonly response: Response; readonly closed: Promise<void> }> {
    this.#checkTarget(target);
    const { deadlines, config } = this.#options;
    const exchange = deadlines.begin(config.timeouts.headersMs, `server "${this.name}" to answer`);
    const clientGone = () => exchange.abort(request.signal.reason);
    request.signal.addEventListener("abort", clientGone, { once: true });
    const headers = this.#headersFor(request, requestId);
    const offered = request.headers.get("sec-websocket-protocol") ?? "";
    // The runtime writes its own, as it does the rest of the handshake (RFC 6455, section 4.1).
    headers.delete("user-agent");
    const entered: ConcurrencyLimit[] = [];
    const leave = () => entered.forEach((limit) => limit.leave());
    try {
      for (const limit of [this.#sockets, this.#uploads, this.#limit]) {
        await limit.enter(exchange.signal);
        entered.push(limit);
      }
      const relay = new WebSocketRelay({ isOneWay: config.readOnly });
      const store = await this.#client.openWebSocket(
        { method: "GET", target, headers, body: null, signal: exchange.signal },
        offered.split(",").map((protocol) => protocol.trim()).filter((protocol) => protocol !== ""),
        relay.fromStore,
      );
      let accepted: ReturnType<typeof upgrade>;
      try {
        accepted = upgrade(store.protocol);
      } catch (error) {
        store.close();
        throw error;
      }
      const { socket, response } = accepted;
      const closed = relay.join(socket, store);
      closed.then(leave);
      return { response, closed };
    } catch (error) {
      leave();
      throw error;
    } finally {
      request.signal.removeEventListener("abort", clientGone);
      deadlines.end(exchange);
    }
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
