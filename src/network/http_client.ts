/**
 * The one way out: HTTP to the stores and identity providers of the configuration and to no one
 * else. It refuses hosts outside the allowlist before anything is sent, never follows a redirect, sends
 * each request once, and turns the runtime's network failures into catalogue codes.
 *
 * `fetch` repeats by itself, unseen, whatever it can clone: requests without a body and bodies that are
 * bytes or text (`FetchRetry` in `ext/fetch/lib.rs` of Deno 2.7.14). So it gets streams only, and what
 * has no body goes through a client that repeats nothing.
 *
 * @module
 */
import { hostAndPort } from "../config/values/host_names.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { type Connector, type ConnectorOptions, createConnector } from "./connector.ts";
import { headerList } from "./header_fields.ts";
import { UnusableStatusError } from "./http1/http1_client.ts";
import { networkError } from "./network_error.ts";
import { SizedBody } from "./sized_body.ts";

/** How a client connects. */
export interface HttpClientOptions extends ConnectorOptions {
  /** `host:port` pairs that may be contacted. */
  readonly allowlist: ReadonlySet<string>;
  /** `host:port` pairs of metadata services: reached without the proxy. */
  readonly direct?: ReadonlySet<string>;
  /** Sees the headers of every answer, for diagnosis; nothing where nobody looks. */
  readonly onAnswer?: ((host: string, headers: Headers) => void) | undefined;
}

/** A host answered a WebSocket handshake with another status than 101. The runtime tells no more of it. */
export class RefusedHandshake extends Error {
  override readonly name = "RefusedHandshake";
  /** The status that it answered. */
  readonly status: number;

  constructor(url: string, status: number) {
    super(`Cannot open a WebSocket at ${hostAndPort(url)}: it answered ${status}`);
    this.status = status;
  }
}

/** A body to send: a stream goes in chunks, all others with their length. */
export type RequestBody =
  | ReadableStream<Uint8Array<ArrayBuffer>>
  | SizedBody
  | Uint8Array<ArrayBuffer>
  | string;

/** What a request may carry. */
export interface HttpRequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: RequestBody | null;
  readonly signal?: AbortSignal;
}

/** Sends requests over kept-alive connections of its own. */
export class HttpClient {
  readonly #allowlist: ReadonlySet<string>;
  /** Connectors for the origins found on the allowlist, as they were written: each is looked at once. */
  readonly #connectors = new Map<string, Connector>();
  readonly #direct: ReadonlySet<string>;
  readonly #speaksHttp2: boolean;
  readonly #connector: Connector;
  readonly #directConnector: Connector | undefined;
  readonly #onAnswer: HttpClientOptions["onAnswer"];

  /** @param options How to connect. */
  constructor(options: HttpClientOptions) {
    this.#allowlist = options.allowlist;
    this.#onAnswer = options.onAnswer;
    this.#direct = options.direct ?? new Set();
    this.#speaksHttp2 = options.http2 ?? false;
    const { proxy } = options;
    this.#directConnector = proxy && this.#direct.size > 0
      ? createConnector({ ...options, proxy: undefined })
      : undefined;
    this.#connector = createConnector(options);
  }

  /**
   * Sends one request once and answers with what came back, whatever its status. A redirect comes back
   * as the answer it is.
   *
   * @returns The response, its body not read.
   * @throws {GatewayError} NET-001, NET-002 or NET-003 when no answer came; NET-005 when the body to send
   * cannot be read; NET-008 for a host that is not allowed.
   * @throws The signal's reason when it aborts.
   */
  async send(url: string, init: HttpRequestInit = {}): Promise<Response> {
    const connector = this.#connectorOf(url);
    const { method = "GET", headers, body, signal } = init;
    let response: Response;
    try {
      const list = headers === undefined
        ? []
        : headerList(headers instanceof Headers ? headers : new Headers(headers));
      const stream = sendable(body) ??
        (this.#speaksHttp2 ? await this.#overHttp2(connector, url, { method, signal }) : undefined);
      response = stream === undefined
        ? await connector.bodiless.send(url, { method, headers: list, signal })
        : withTrueLength(
          await fetch(url, {
            method,
            headers: list,
            body: stream,
            ...(signal && { signal }),
            client: connector.client,
            redirect: "manual",
          }),
        );
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw networkError(hostAndPort(url), cause);
    }
    if (this.#onAnswer !== undefined) this.#onAnswer(hostAndPort(url), response.headers);
    // 101 would hand the connection over, and others are no answer at all (RFC 9110, section 15).
    if (response.status >= 200 && response.status <= 599) return response;
    await response.body?.cancel();
    throw networkError(hostAndPort(url), new UnusableStatusError(response.status));
  }

  /**
   * Opens a WebSocket (RFC 6455) to a host of the allowlist.
   *
   * @param url Where to: an `http:` or `https:` URL, as `send` takes it.
   * @param init Subprotocols and headers of the handshake, what ends it, and where messages go.
   * @throws {RefusedHandshake} When the host answers the handshake with another status than 101.
   * @throws {GatewayError} NET-002 when it cannot be reached; NET-008 for a host that is not allowed.
   * @throws The signal's reason when it aborts.
   */
  async openWebSocket(
    url: string,
    init: {
      readonly protocols: readonly string[];
      readonly headers: Headers;
      readonly signal: AbortSignal;
      /** Takes every message: some come before the promise is settled. */
      readonly onMessage: (message: string | ArrayBuffer) => void;
    },
  ): Promise<WebSocket> {
    const client = this.#clientOf(url);
    const socket = new WebSocket(url.replace(/^http/, "ws"), {
      protocols: [...init.protocols],
      headers: init.headers,
      client,
    });
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => init.onMessage(data);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(init.signal.reason);
    init.signal.addEventListener("abort", abort, { once: true });
    socket.onopen = () => resolve();
    socket.onerror = (event) => {
      const message = event instanceof ErrorEvent ? event.message : "handshake refused";
      const [, status] = REFUSED_HANDSHAKE.exec(message) ?? [];
      reject(
        status === undefined
          ? networkError(hostAndPort(url), message)
          : new RefusedHandshake(url, Number(status)),
      );
    };
    try {
      init.signal.throwIfAborted();
      await promise;
      return socket;
    } catch (error) {
      socket.close();
      throw error;
    } finally {
      init.signal.removeEventListener("abort", abort);
      socket.onopen = socket.onerror = null;
    }
  }

  /** Closes the idle connections. */
  close(): void {
    for (const connector of [this.#connector, this.#directConnector]) {
      connector?.client.close();
      connector?.bodiless.close();
    }
  }

  /**
   * What makes a request without a body one that `fetch` cannot clone, where the other side speaks
   * HTTP/2: there an empty stream is no body in chunks. `fetch` takes none for GET and HEAD: these it may
   * repeat once, after a GOAWAY, a REFUSED_STREAM or a reset connection.
   *
   * @returns An empty stream, null for GET and HEAD; undefined where it speaks HTTP/1.1.
   */
  async #overHttp2(
    { bodiless, http2 }: Connector,
    url: string,
    { method, signal }: { readonly method: string; readonly signal: AbortSignal | undefined },
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined> {
    const { origin, protocol } = new URL(url);
    if (protocol !== "https:") return undefined;
    let negotiated = http2.get(origin);
    if (negotiated === undefined) {
      negotiated = bodiless.negotiatesHttp2(url, signal);
      http2.set(origin, negotiated);
      negotiated.catch(() => http2.delete(origin));
    }
    if (!await negotiated) return undefined;
    return method === "GET" || method === "HEAD"
      ? null
      : new ReadableStream({ start: (controller) => controller.close() });
  }

  #clientOf(url: string): Deno.HttpClient {
    return this.#connectorOf(url).client;
  }

  #connectorOf(url: string): Connector {
    const pathStart = url.indexOf("/", 8);
    const origin = pathStart < 0 ? url : url.slice(0, pathStart);
    let connector = this.#connectors.get(origin);
    if (connector === undefined) {
      connector = this.#connectorFor(hostAndPort(url));
      this.#connectors.set(origin, connector);
    }
    return connector;
  }

  #connectorFor(host: string): Connector {
    if (!this.#allowlist.has(host)) {
      throw new GatewayError(
        "NET-008",
        `Cannot contact ${host}: it is not on the network allowlist`,
      );
    }
    return this.#direct.has(host) ? this.#directConnector ?? this.#connector : this.#connector;
  }
}

/** A body that `fetch` cannot clone; undefined where there is none. */
function sendable(
  body: RequestBody | null | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> | SizedBody | undefined {
  if (body === null || body === undefined || body === "") return undefined;
  if (body instanceof ReadableStream) return body;
  if (body instanceof SizedBody) return body.size > 0 ? body : undefined;
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return bytes.length === 0 ? undefined : SizedBody.of(bytes);
}

/**
 * Drops a length that stands beside chunks: the runtime reads the chunks, as it must (RFC 9112, section
 * 6.3), but tells the length as well, and who passes it on cuts the body off there.
 */
function withTrueLength(response: Response): Response {
  const coding = response.headers.get("transfer-encoding");
  // Of what is not in chunks the end is not known: by the length the client still finds out.
  if (coding === null || !/\bchunked\s*$/i.test(coding)) return response;
  if (!response.headers.has("content-length")) return response;
  const { body, status } = response;
  const headers = headerList(response.headers).filter(([name]) => name !== "content-length");
  return new Response(body, { status, headers });
}

/** How the runtime says that the answer to a handshake was not 101. */
const REFUSED_HANDSHAKE = /Invalid status code: ([2-5]\d\d)/;
