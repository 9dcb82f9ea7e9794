/**
 * HTTP to the stores and identity providers of the configuration, and to no other host: it rejects hosts
 * outside the allowlist, follows no redirect, sends each request once, and turns network failures into
 * codes of the catalogue.
 *
 * `fetch` silently repeats what it can clone: requests without a body, and bodies that are bytes or text
 * (`FetchRetry` in `ext/fetch/lib.rs` of Deno 2.7.14). It therefore gets streams only, and requests
 * without a body go through a client that repeats nothing.
 */
import { hostAndPort } from "../config/values/host_names.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { type Connector, type ConnectorOptions, createConnector } from "./connector.ts";
import { withEmptyBody } from "./empty_coded_body.ts";
import { HeaderFields, headerList } from "./header_fields.ts";
import { schemesIn } from "./http1/dial.ts";
import { UnusableStatusError } from "./http1/http1_client.ts";
import { networkError, tunnelError } from "./network_error.ts";
import { SizedBody } from "./sized_body.ts";

export interface HttpClientOptions extends ConnectorOptions {
  /** `host:port` pairs that may be contacted. */
  readonly allowlist: ReadonlySet<string>;
  /** `host:port` pairs that are contacted without the proxy. */
  readonly direct?: ReadonlySet<string>;
  /** Called with the headers of every response, for diagnosis. */
  readonly onAnswer?: ((host: string, headers: Headers) => void) | undefined;
}

/** A host answered a WebSocket handshake with another status than 101. */
export class RefusedHandshake extends Error {
  override readonly name = "RefusedHandshake";
  readonly status: number;

  constructor(url: string, status: number) {
    super(`Cannot open a WebSocket at ${hostAndPort(url)}: it answered ${status}`);
    this.status = status;
  }
}

/** A stream is sent in chunks, all others with `Content-Length`. */
export type RequestBody =
  | ReadableStream<Uint8Array<ArrayBuffer>>
  | SizedBody
  | Uint8Array<ArrayBuffer>
  | string;

export interface HttpRequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: RequestBody | null;
  readonly signal?: AbortSignal;
}

export class HttpClient {
  readonly #allowlist: ReadonlySet<string>;
  /** By origin, as written; each is compared with the allowlist once. */
  readonly #connectors = new Map<string, Connector>();
  readonly #direct: ReadonlySet<string>;
  readonly #connector: Connector;
  readonly #directConnector: Connector | undefined;
  readonly #onAnswer: HttpClientOptions["onAnswer"];

  constructor(options: HttpClientOptions) {
    this.#allowlist = options.allowlist;
    this.#onAnswer = options.onAnswer;
    this.#direct = options.direct ?? new Set();
    const { proxy } = options;
    this.#directConnector = proxy && this.#direct.size > 0
      ? createConnector({ ...options, proxy: undefined })
      : undefined;
    this.#connector = createConnector(options);
  }

  /**
   * Sends one request once.
   *
   * @returns The response, whatever its status; redirects included.
   * @throws {GatewayError} NET-001, NET-002 or NET-003 without a response; NET-005 if the body to send
   * cannot be read; NET-008 for a host that is not on the allowlist.
   * @throws The signal's reason when it aborts.
   */
  async send(url: string, init: HttpRequestInit = {}): Promise<Response> {
    const connector = this.#connectorOf(url);
    const { method = "GET", headers, body, signal } = init;
    let response: Response;
    try {
      const list = headers === undefined
        ? []
        : headerList(isHeaders(headers) ? headers : new Headers(headers));
      const stream = sendable(body);
      const client = stream === undefined
        ? await http2Client(connector, url, { method, signal })
        : connector.client;
      response = client === undefined
        ? await connector.bodiless.send(url, { method, headers: list, signal })
        : withEmptyBody(withTrueLength(
          await fetch(url, {
            method,
            headers: list,
            ...(stream && { body: stream }),
            ...(signal && { signal }),
            client,
            redirect: "manual",
          }),
        ));
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      throw networkError(hostAndPort(url), cause, connector.proxy);
    }
    if (response.status === 407 && connector.proxy !== undefined && /^http:/i.test(url)) {
      await response.body?.cancel();
      const schemes = schemesIn(response.headers.get("proxy-authenticate") ?? "");
      throw tunnelError(hostAndPort(url), connector.proxy, { status: 407, schemes });
    }
    if (this.#onAnswer !== undefined) this.#onAnswer(hostAndPort(url), response.headers);
    // 101 would switch protocols, and others are not responses (RFC 9110, section 15).
    if (response.status >= 200 && response.status <= 599) return response;
    await response.body?.cancel();
    throw networkError(hostAndPort(url), new UnusableStatusError(response.status));
  }

  /**
   * Opens a WebSocket (RFC 6455) to a host of the allowlist.
   *
   * @param url An `http:` or `https:` URL.
   * @throws {RefusedHandshake} If the host answers with another status than 101.
   * @throws {GatewayError} NET-002 if it cannot be reached; NET-008 for a host not on the allowlist.
   * @throws The signal's reason when it aborts.
   */
  async openWebSocket(
    url: string,
    init: {
      readonly protocols: readonly string[];
      readonly headers: Headers;
      readonly signal: AbortSignal;
      /** Called for every message, some before the promise has settled. */
      readonly onMessage: (message: string | ArrayBuffer) => void;
    },
  ): Promise<WebSocket> {
    const connector = this.#connectorOf(url);
    const { client } = connector;
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
          ? networkError(hostAndPort(url), message, connector.proxy)
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
      connector?.http2?.client.close();
      connector?.bodiless.close();
    }
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

/**
 * The client for a GET or HEAD over HTTP/2, which the runtime may repeat once, after a GOAWAY, a
 * REFUSED_STREAM or a reset connection.
 *
 * @returns Undefined for other methods, and if the host speaks HTTP/1.1.
 */
async function http2Client(
  { bodiless, http2 }: Connector,
  url: string,
  { method, signal }: { readonly method: string; readonly signal: AbortSignal | undefined },
): Promise<Deno.HttpClient | undefined> {
  if (http2 === undefined || (method !== "GET" && method !== "HEAD")) return undefined;
  const { origin, protocol } = new URL(url);
  if (protocol !== "https:") return undefined;
  const { client, isSupported } = http2;
  let negotiated = isSupported.get(origin);
  if (negotiated === undefined) {
    negotiated = bodiless.negotiatesHttp2(url, signal);
    isSupported.set(origin, negotiated);
    negotiated.catch(() => isSupported.delete(origin));
  }
  return await negotiated ? client : undefined;
}

function isHeaders(headers: HeadersInit): headers is Headers {
  return headers instanceof HeaderFields || headers instanceof Headers;
}

/** A body that `fetch` cannot clone; undefined without a body. */
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
 * Removes `Content-Length` beside chunks: the runtime reads the chunks, as it must (RFC 9112, section 6.3),
 * but keeps the field, by which a recipient would truncate the body.
 */
function withTrueLength(response: Response): Response {
  const coding = response.headers.get("transfer-encoding");
  // Without chunks the end is not known: by the length the client can still detect truncation.
  if (coding === null || !/\bchunked\s*$/i.test(coding)) return response;
  if (!response.headers.has("content-length")) return response;
  const { body, status } = response;
  const headers = headerList(response.headers).filter(([name]) => name !== "content-length");
  return new Response(body, { status, headers });
}

/** The runtime's message for another status than 101. */
const REFUSED_HANDSHAKE = /Invalid status code: ([2-5]\d\d)/;
