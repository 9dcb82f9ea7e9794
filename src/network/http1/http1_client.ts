/**
 * Sends requests without a body over HTTP/1.1, each exactly once. The runtime's `fetch` repeats such a
 * request by itself when the other side closes the connection, so that a store gets twice what was asked
 * once; so does its `node:http`. This client sends on another connection only what it could not write.
 *
 * @module
 */
import { encodeLatin1 } from "../../dicomweb/latin1.ts";
import { startClientSpan } from "./client_span.ts";
import { Http1Connection, UnsentError } from "./connection.ts";
import { ACCEPTED_CODINGS, contentDecoder } from "./content_decoding.ts";
import { dial, type DialOptions } from "./dial.ts";
import type { ResponseHead } from "./response_head.ts";
import type { Transport } from "./transport.ts";

/** How the client connects. */
export interface Http1ClientOptions extends Omit<DialOptions, "alpnProtocols" | "signal"> {
  /** Idle connections kept for each origin. */
  readonly maxIdlePerOrigin: number;
}

/** A request without a body. */
export interface Http1Request {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly signal?: AbortSignal | undefined;
}

/** Longer than this an idle connection is not used any more. */
const MAX_IDLE_MS = 90_000;
/**
 * A request that nobody may repeat goes on a connection younger than every server's idle timeout: one that
 * the server closes in the same moment would lose it.
 */
const MAX_IDLE_FOR_UNREPEATABLE_MS = 1_000;

const REPEATABLE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** Of the connection, and not the request's to say. */
const OF_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
]);

interface Idle {
  readonly connection: Http1Connection;
  readonly sinceMs: number;
}

/** A status that answers no request of this client, as 101. */
export class UnusableStatusError extends Error {
  /** @param status The status. */
  constructor(readonly status: number) {
    super(`answered with status ${status}`);
    this.name = "UnusableStatusError";
  }
}

/** Sends requests over kept-alive connections of its own. */
export class Http1Client {
  readonly #options: Http1ClientOptions;
  readonly #idle = new Map<string, Idle[]>();
  #isClosed = false;

  /** @param options How to connect. */
  constructor(options: Http1ClientOptions) {
    this.#options = options;
  }

  /**
   * Sends a request.
   *
   * @returns The response, decoded; its body fails when the response is cut off.
   * @throws What connecting, writing or reading fails with; the signal's reason when it aborts.
   */
  async send(href: string, request: Http1Request): Promise<Response> {
    const url = new URL(href);
    const { method, signal } = request;
    signal?.throwIfAborted();
    const span = startClientSpan(method, url);
    try {
      const bytes = this.#headOf(url, request, span?.traceparent);
      for (;;) {
        const kept = this.#take(url.origin, method);
        const connection = kept ?? await this.#connect(url, signal);
        const abort = () => connection.close();
        signal?.addEventListener("abort", abort, { once: true });
        try {
          await connection.writeHead(bytes);
          const head = await connection.readHead(method);
          if (head.status < 200 || head.status > 599) throw new UnusableStatusError(head.status);
          const response = this.#present(connection, head, { url, method, signal });
          span?.end(head.status);
          return response;
        } catch (error) {
          connection.close();
          if (kept !== undefined && error instanceof UnsentError && !signal?.aborted) continue;
          throw error;
        } finally {
          signal?.removeEventListener("abort", abort);
        }
      }
    } catch (error) {
      span?.end(error instanceof Error ? error : new Error(String(error)));
      throw signal?.aborted ? signal.reason : error;
    }
  }

  /**
   * Finds out whether a server takes HTTP/2 (RFC 7301), over a connection for nothing else.
   *
   * @param href An `https:` URL of it.
   * @throws What connecting fails with.
   */
  async negotiatesHttp2(href: string, signal: AbortSignal | undefined): Promise<boolean> {
    const transport = await this.#dial(new URL(href), signal, ["h2", "http/1.1"]);
    try {
      return (await transport.handshake?.())?.alpnProtocol === "h2";
    } finally {
      transport.close();
    }
  }

  /** Closes the idle connections; those in use close when their response ends. */
  close(): void {
    this.#isClosed = true;
    for (const list of this.#idle.values()) {
      for (const { connection } of list) connection.close();
    }
    this.#idle.clear();
  }

  /** The latest that is still open: those that waited longest are closed by their servers first. */
  #take(origin: string, method: string): Http1Connection | undefined {
    const list = this.#idle.get(origin);
    if (list === undefined) return undefined;
    const now = performance.now();
    const mostMs = REPEATABLE.has(method) ? MAX_IDLE_MS : MAX_IDLE_FOR_UNREPEATABLE_MS;
    for (let last; (last = list.at(-1)) !== undefined;) {
      if (now - last.sinceMs > mostMs && mostMs < MAX_IDLE_MS) return undefined;
      list.pop();
      if (now - last.sinceMs <= mostMs && last.connection.claim()) return last.connection;
      last.connection.close();
    }
    return undefined;
  }

  #release(origin: string, connection: Http1Connection): void {
    let list = this.#idle.get(origin);
    if (list === undefined) this.#idle.set(origin, list = []);
    if (this.#isClosed || list.length >= this.#options.maxIdlePerOrigin) {
      return connection.close();
    }
    connection.becomeIdle();
    list.push({ connection, sinceMs: performance.now() });
  }

  async #connect(url: URL, signal: AbortSignal | undefined): Promise<Http1Connection> {
    return new Http1Connection(await this.#dial(url, signal, ["http/1.1"]));
  }

  async #dial(
    url: URL,
    signal: AbortSignal | undefined,
    alpnProtocols: readonly string[],
  ): Promise<Transport> {
    const dialing = dial(url, { ...this.#options, alpnProtocols, signal });
    if (signal === undefined) return await dialing;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([dialing, aborted.promise]);
    } catch (error) {
      dialing.then((transport) => transport.close(), () => {});
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Whether a proxy sees the request itself, as it does without TLS. Such connections are not kept:
   * tinyproxy closes them after each response without saying so, which would lose the next request.
   */
  #isForwarded({ protocol }: URL): boolean {
    return this.#options.proxy !== undefined && protocol === "http:";
  }

  #headOf(
    url: URL,
    { method, headers }: Http1Request,
    traceparent: string | undefined,
  ): Uint8Array {
    const { proxy } = this.#options;
    const isByProxy = this.#isForwarded(url);
    const path = url.pathname + url.search;
    let text = `${method} ${
      isByProxy ? url.origin + path : path
    } HTTP/1.1\r\nhost: ${url.host}\r\n`;
    if (isByProxy) text += "connection: close\r\n";
    if (isByProxy && proxy?.authorization !== undefined) {
      text += `proxy-authorization: ${proxy.authorization}\r\n`;
    }
    let given = " ";
    for (const [name, value] of headers) {
      if (OF_CONNECTION.has(name) || (name === "traceparent" && traceparent !== undefined)) {
        continue;
      }
      text += `${name}: ${value}\r\n`;
      given += `${name} `;
    }
    if (traceparent !== undefined) text += `traceparent: ${traceparent}\r\n`;
    if (!given.includes(" accept ")) text += "accept: */*\r\n";
    if (!given.includes(" user-agent ")) text += `user-agent: Deno/${Deno.version.deno}\r\n`;
    if (!given.includes(" accept-encoding ")) {
      // A range counts bytes of what is sent, not of what it decodes to.
      const codings = given.includes(" range ") ? "identity" : ACCEPTED_CODINGS;
      text += `accept-encoding: ${codings}\r\n`;
    }
    // A server may wait for a body otherwise (RFC 9110, section 8.6).
    if (method === "POST" || method === "PUT" || method === "PATCH") {
      text += "content-length: 0\r\n";
    }
    return encodeLatin1(text + "\r\n");
  }

  #present(
    connection: Http1Connection,
    { status, headers, framing, keepsAlive }: ResponseHead,
    { url, method, signal }: {
      readonly url: URL;
      readonly method: string;
      readonly signal: AbortSignal | undefined;
    },
  ): Response {
    const body = connection.body(framing, {
      signal,
      onEnd: (isReusable) => {
        if (isReusable && keepsAlive && !this.#isForwarded(url)) {
          this.#release(url.origin, connection);
        } else connection.close();
      },
    });
    const coding = headers.find(([name]) => name === "content-encoding")?.[1];
    const decode = contentDecoder(coding);
    const list = headers.filter(([name]) =>
      // Of chunks the length is told by the chunks; of what is decoded, by nobody.
      !(name === "content-length" && (framing.kind === "chunked" || decode !== undefined)) &&
      !(name === "content-encoding" && decode !== undefined)
    ) as [string, string][];
    const init = { status, headers: list };
    if (body === null || status === 205) {
      if (body instanceof ReadableStream) body.cancel();
      return new Response(null, init);
    }
    if (decode === undefined || method === "HEAD") return new Response(body, init);
    return new Response(decode(body instanceof ReadableStream ? body : streamOf(body)), init);
  }
}

function streamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([bytes]).stream();
}
