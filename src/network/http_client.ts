/**
 * The one way out: HTTP to the stores and identity providers of the configuration and to no one
 * else. It refuses hosts outside the allowlist before anything is sent, never follows a redirect,
 * and turns the runtime's network failures into catalogue codes.
 *
 * @module
 */
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { headerList } from "./header_list.ts";

/** How a client connects. */
export interface HttpClientOptions {
  /** `host:port` pairs that may be contacted. */
  readonly allowlist: ReadonlySet<string>;
  /** PEM certificates trusted besides those of the system. */
  readonly caCertificatesPem?: readonly string[];
  /** PEM client certificate and key (mutual TLS). */
  readonly clientCertificate?: { readonly certificatePem: string; readonly keyPem: string };
  /** `host:port` pairs of metadata services: reached without the proxy. */
  readonly direct?: ReadonlySet<string>;
  /** The egress proxy. */
  readonly proxy?: {
    readonly url: string;
    readonly username?: string;
    readonly password?: string;
  };
  /** Speak HTTP/2 where the other side does. */
  readonly http2?: boolean;
  /** Sees the headers of every answer, for diagnosis; nothing where nobody looks. */
  readonly onAnswer?: ((host: string, headers: Headers) => void) | undefined;
  /** The function that does it, for tests. */
  readonly fetch?: typeof fetch;
}

/** A host answered a WebSocket handshake with another status than 101. The runtime tells no more of it. */
export class RefusedHandshake extends Error {
  override readonly name = "RefusedHandshake";
  /** The status that it answered. */
  readonly status: number;

  /**
   * @param url Where to.
   * @param status The status that it answered.
   */
  constructor(url: string, status: number) {
    super(`Cannot open a WebSocket at ${authority(url)}: it answered ${status}`);
    this.status = status;
  }
}

/** What a request may carry. */
export interface HttpRequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit | null;
  readonly signal?: AbortSignal;
}

/** Sends requests over kept-alive connections of its own. */
export class HttpClient {
  readonly #allowlist: ReadonlySet<string>;
  /** Clients for the origins found on the allowlist, as they were written: each is looked at once. */
  readonly #clients = new Map<string, Deno.HttpClient>();
  readonly #direct: ReadonlySet<string>;
  readonly #client: Deno.HttpClient;
  readonly #directClient: Deno.HttpClient | undefined;
  readonly #fetch: typeof fetch;
  readonly #onAnswer: HttpClientOptions["onAnswer"];

  /** @param options How to connect. */
  constructor(options: HttpClientOptions) {
    this.#allowlist = options.allowlist;
    this.#fetch = options.fetch ?? fetch;
    this.#onAnswer = options.onAnswer;
    this.#direct = options.direct ?? new Set();
    const { proxy, clientCertificate } = options;
    const common = {
      caCerts: [...(options.caCertificatesPem ?? [])],
      http1: true,
      http2: options.http2 ?? false,
      poolMaxIdlePerHost: 64,
      ...(clientCertificate &&
        { cert: clientCertificate.certificatePem, key: clientCertificate.keyPem }),
    };
    this.#directClient = proxy && this.#direct.size > 0 ? Deno.createHttpClient(common) : undefined;
    this.#client = Deno.createHttpClient({
      ...common,
      ...(proxy && {
        proxy: {
          url: proxy.url,
          ...(proxy.username !== undefined &&
            { basicAuth: { username: proxy.username, password: proxy.password ?? "" } }),
        },
      }),
    });
  }

  /**
   * Sends one request and answers with what came back, whatever its status. A redirect comes back
   * as the answer it is.
   *
   * @param url Where to.
   * @param init What to send.
   * @returns The response, its body not read.
   * @throws {GatewayError} NET-001, NET-002 or NET-003 when no answer came; NET-005 when the body to send
   * cannot be read; NET-008 for a host that is not allowed.
   * @throws The signal's reason when it aborts.
   */
  async send(url: string, init: HttpRequestInit = {}): Promise<Response> {
    const client = this.#clientOf(url);
    let response: Response;
    try {
      const { headers } = init;
      response = await this.#fetch(url, {
        ...init,
        ...(headers instanceof Headers && { headers: headerList(headers) }),
        client,
        redirect: "manual",
      });
    } catch (cause) {
      if (init.signal?.aborted) throw init.signal.reason;
      throw networkError(url, cause);
    }
    if (this.#onAnswer !== undefined) this.#onAnswer(authority(url), response.headers);
    // 101 would hand the connection over, and others are no answer at all (RFC 9110, section 15).
    if (response.status >= 200 && response.status <= 599) return withTrueLength(response);
    await response.body?.cancel();
    const state = `it answered with status ${response.status}, which is none for this request`;
    throw new GatewayError("NET-002", `Cannot understand ${authority(url)}: ${state}`);
  }

  /**
   * Opens a WebSocket (RFC 6455) to a host of the allowlist.
   *
   * @param url Where to: an `http:` or `https:` URL, as `send` takes it.
   * @param init Subprotocols and headers of the handshake, what ends it, and where messages go.
   * @returns The socket, open.
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
          ? networkError(url, message)
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
    this.#client.close();
    this.#directClient?.close();
  }

  #clientOf(url: string): Deno.HttpClient {
    const pathStart = url.indexOf("/", 8);
    const origin = pathStart < 0 ? url : url.slice(0, pathStart);
    let client = this.#clients.get(origin);
    if (client === undefined) {
      client = this.#clientFor(authority(url));
      this.#clients.set(origin, client);
    }
    return client;
  }

  #clientFor(host: string): Deno.HttpClient {
    if (!this.#allowlist.has(host)) {
      throw new GatewayError(
        "NET-008",
        `Cannot contact ${host}: it is not on the network allowlist`,
      );
    }
    return this.#direct.has(host) ? this.#directClient ?? this.#client : this.#client;
  }
}

/**
 * The `host:port` of a URL, with the scheme's port where none is written.
 *
 * @param url An absolute `http:` or `https:` URL.
 * @returns Host and port, as the allowlist writes them.
 *
 * @example
 * ```ts
 * import { authority } from "./http_client.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(authority("https://store.example/dicom-web"), "store.example:443");
 * assert.equal(authority("http://[::1]:8042/"), "[::1]:8042");
 * ```
 */
export function authority(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
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

/** What a server says that does not like the client's certificate (RFC 8446, section 6.2). */
const REFUSED_CERTIFICATE =
  /received fatal alert: (CertificateRequired|BadCertificate|UnsupportedCertificate|CertificateRevoked|CertificateExpired|CertificateUnknown|UnknownCA|AccessDenied)/;

function networkError(url: string, cause: unknown): GatewayError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const host = authority(url);
  // The other side is not to blame: whoever sent the body did not send it to its end, or not right.
  if (text.includes("error from user's Body stream")) {
    return new BrokenBodyError("it broke off or is not framed as HTTP demands", { cause });
  }
  const [, alert] = REFUSED_CERTIFICATE.exec(text) ?? [];
  if (alert !== undefined) {
    const state = `it wants a certificate of the gateway that it trusts (TLS alert ${alert})`;
    return new GatewayError("NET-003", `Cannot reach ${host}: ${state}`, { cause });
  }
  if (/certificate|tls|handshake|corrupt message|fatal alert|peer is incompatible/i.test(text)) {
    return new GatewayError("NET-003", `Cannot trust ${host}: ${reason(text)}`, { cause });
  }
  if (/timed out/i.test(text)) {
    return new GatewayError("NET-001", `Cannot reach ${host}: ${reason(text)}`, { cause });
  }
  return new GatewayError("NET-002", `Cannot reach ${host}: ${reason(text)}`, { cause });
}

/** The innermost part of the runtime's message: the URL before it may hold identifiers of a patient. */
function reason(text: string): string {
  const at = text.lastIndexOf("): ");
  return (at < 0 ? text.replace(/https?:\/\/\S+/g, "the host") : text.slice(at + 3)).trim();
}
