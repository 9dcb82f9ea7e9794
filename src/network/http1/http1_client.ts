/**
 * Sends requests without a body over HTTP/1.1, each exactly once. The runtime's `fetch` and `node:http`
 * repeat such a request by themselves when the other side closes the connection. This client uses another
 * connection only for a request of which it could write nothing, and for a read that an idle connection
 * seems to have lost.
 */
import { encodeLatin1 } from "../../dicomweb/latin1.ts";
import { HeaderFields } from "../header_fields.ts";
import { startClientSpan } from "./client_span.ts";
import { Http1Connection, UnsentError } from "./connection.ts";
import { ACCEPTED_CODINGS, contentDecoder } from "./content_decoding.ts";
import { dial, type DialOptions } from "./dial.ts";
import type { ResponseHead } from "./response_head.ts";
import type { Transport } from "./transport.ts";
import { type Clock, systemClock } from "../clock.ts";
import { abortable } from "../wait.ts";

export interface Http1ClientOptions
  extends Omit<DialOptions, "alpnProtocols" | "signal" | "mayHang"> {
  /** Idle connections kept for each origin. */
  readonly maxIdlePerOrigin: number;
  /** Connections idle for longer are closed. */
  readonly keepAliveMs: number;
  readonly clock?: Pick<Clock, "monotonic" | "after"> | undefined;
}

/** A request without a body. */
export interface Http1Request {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * The same for requests that are not repeated, below every server's idle timeout: a connection that the
 * server closes at the same moment would lose them.
 */
const MAX_IDLE_FOR_UNREPEATABLE_MS = 1_000;

/**
 * A firewall or NAT that forgot a connection drops its packets without a word. A read on a connection that
 * was idle for longer than the first time, and gets no response within the second, is sent again over a
 * new one.
 */
const MAYBE_FORGOTTEN_AFTER_MS = 2_000;
const FIRST_RESPONSE_MS = 5_000;

/** Methods of requests that only read (RFC 9110, section 9.2.1). */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
/** Headers of the connection, which this client sets itself. */
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

/** A status that answers no request of this client, such as 101. */
export class UnusableStatusError extends Error {
  override readonly name = "UnusableStatusError";

  constructor(readonly status: number) {
    super(`answered with status ${status}`);
  }
}

export class Http1Client {
  readonly #options: Http1ClientOptions;
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  readonly #idle = new Map<string, Idle[]>();
  /** Origins whose last connection was aborted before it was open. */
  readonly #hanging = new Set<string>();
  #isClosed = false;

  constructor(options: Http1ClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * @returns The response, decoded; its body fails if the response is truncated.
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
        const connection = kept?.connection ??
          new Http1Connection(await this.#dial(url, signal, ["http/1.1"]));
        const abort = () => connection.close();
        let isForgotten = false;
        const stopWaiting = kept?.isDoubtful
          ? this.#clock.after(FIRST_RESPONSE_MS, () => {
            isForgotten = true;
            connection.close();
          })
          : undefined;
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
          if (kept === undefined || signal?.aborted) throw markedIfAlert(error);
          // A restart or a firewall ends the others, too: a retry must not get one of them.
          this.#closeIdle(url.origin);
          if (!isForgotten && !(error instanceof UnsentError)) throw markedIfAlert(error);
        } finally {
          stopWaiting?.();
          signal?.removeEventListener("abort", abort);
        }
      }
    } catch (error) {
      span?.end(error instanceof Error ? error : new Error(String(error)));
      throw signal?.aborted ? signal.reason : error;
    }
  }

  /**
   * Whether the server of an `https:` URL supports HTTP/2 (RFC 7301). Opens a connection only for that.
   *
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

  /** Closes idle connections now, those in use when their response ends. */
  close(): void {
    this.#isClosed = true;
    for (const origin of this.#idle.keys()) this.#closeIdle(origin);
  }

  #closeIdle(origin: string): void {
    for (const { connection } of this.#idle.get(origin) ?? []) connection.close();
    this.#idle.delete(origin);
  }

  /** The open connection that was used last: servers close those that are idle longest first. */
  #take(
    origin: string,
    method: string,
  ): { readonly connection: Http1Connection; readonly isDoubtful: boolean } | undefined {
    const list = this.#idle.get(origin);
    if (list === undefined) return undefined;
    const now = this.#clock.monotonic();
    const { keepAliveMs } = this.#options;
    const mostMs = SAFE.has(method)
      ? keepAliveMs
      : Math.min(keepAliveMs, MAX_IDLE_FOR_UNREPEATABLE_MS);
    for (let last; (last = list.at(-1)) !== undefined;) {
      const idleMs = now - last.sinceMs;
      if (idleMs > mostMs && idleMs <= keepAliveMs) return undefined;
      list.pop();
      if (idleMs <= mostMs && last.connection.claim()) {
        return { connection: last.connection, isDoubtful: idleMs > MAYBE_FORGOTTEN_AFTER_MS };
      }
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
    const now = this.#clock.monotonic();
    while (list[0] !== undefined && now - list[0].sinceMs > this.#options.keepAliveMs) {
      list.shift()!.connection.close();
    }
    connection.becomeIdle();
    list.push({ connection, sinceMs: now });
  }

  async #dial(
    url: URL,
    signal: AbortSignal | undefined,
    alpnProtocols: readonly string[],
  ): Promise<Transport> {
    const mayHang = url.protocol === "https:" && this.#hanging.has(url.origin);
    const dialing = dial(url, { ...this.#options, alpnProtocols, signal, mayHang });
    if (signal === undefined) return await dialing;
    try {
      return await abortable(dialing, signal);
    } catch (error) {
      dialing.then((transport) => transport.close(), () => {});
      throw error;
    } finally {
      if (signal.aborted) this.#hanging.add(url.origin);
      else this.#hanging.delete(url.origin);
    }
  }

  /**
   * Whether a proxy handles the request itself, as it does without TLS. Such connections are not kept:
   * tinyproxy closes them after each response without announcing it, which would lose the next request.
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
      // A range counts encoded bytes.
      const codings = given.includes(" range ") ? "identity" : ACCEPTED_CODINGS;
      text += `accept-encoding: ${codings}\r\n`;
    }
    // Else a server may wait for a body (RFC 9110, section 8.6).
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
    const codings = headers.filter(([name]) => name === "content-encoding");
    const coding = codings.map(([, value]) => value).join();
    // Only the coding shows that a body which ends with its connection was cut off. An error loses
    // nothing by it, and some servers label errors without a body.
    const hasEnd = framing.kind !== "until-close";
    const decode = contentDecoder(coding, { mayBeEmpty: hasEnd || status >= 400, hasEnd });
    const isEmpty = framing.kind === "length" && framing.bytes === 0;
    const fields = HeaderFields.received(headers);
    // Chunks carry their own length; that of a decoded body is unknown, unless it is empty.
    if (framing.kind === "chunked" || (decode !== undefined && !isEmpty)) {
      fields.delete("content-length");
    }
    if (decode !== undefined) fields.delete("content-encoding");
    if (body === null || status === 205) {
      if (body instanceof ReadableStream) body.cancel();
      return new Http1Response(null, status, fields);
    }
    if (decode === undefined || isEmpty || method === "HEAD") {
      return new Http1Response(body, status, fields);
    }
    const stream = body instanceof ReadableStream ? body : new Blob([body]).stream();
    return new Http1Response(decode(stream), status, fields);
  }
}

/**
 * A response whose header fields are not copied into the runtime's `Headers`, which takes longer than
 * reading them. It must not be returned by a server: the runtime would not see them.
 */
class Http1Response extends Response {
  readonly #fields: HeaderFields;

  constructor(body: BodyInit | null, status: number, fields: HeaderFields) {
    super(body, { status });
    this.#fields = fields;
  }

  override get headers(): Headers {
    return this.#fields;
  }
}

/** A TLS alert at this point answers the request, not the handshake: the same alert has other causes. */
function markedIfAlert(error: unknown): unknown {
  return error instanceof Error && error.message.includes("received fatal alert")
    ? new Error(`after the handshake: ${error.message}`, { cause: error })
    : error;
}
