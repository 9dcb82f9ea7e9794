/**
 * Opens connections over TCP or TLS, directly or through a proxy (RFC 9110, section 9.3.6). The runtime's
 * sockets are faster, but try only the first address of a name and accept no client certificate inside a
 * tunnel: Node's sockets do the rest.
 */
import {
  connectNodeSocket,
  hostOf,
  type NodeTlsOptions,
  NodeTransport,
  portOf,
  startNodeTls,
} from "./node_transport.ts";
import { Http1Connection } from "./connection.ts";
import type { Transport } from "./transport.ts";
import { encodeLatin1 } from "../../dicomweb/latin1.ts";

export interface DialOptions extends NodeTlsOptions {
  readonly proxy?: { readonly url: URL; readonly authorization?: string | undefined } | undefined;
  /**
   * Whether the last handshake with the origin was aborted. The runtime keeps a connection open whose
   * handshake has not ended, even if it is closed (seen in Deno 2.7.14); Node's sockets do not.
   */
  readonly mayHang?: boolean;
}

/** Head start of the first address of a name before the others are tried, too (RFC 8305, section 5). */
const HEAD_START_MS = 250;

/** The runtime's words for a connection that was closed in its TLS handshake. */
export const HANDSHAKE_EOF = "tls handshake eof";

/** The proxy did not open a tunnel. */
export class TunnelRefusedError extends Error {
  override readonly name = "TunnelRefusedError";

  /** @param schemes The authentication schemes that it offers (RFC 9110, section 11.7.1). */
  constructor(readonly status: number, readonly schemes: readonly string[]) {
    super(`the proxy answered ${status} to CONNECT`);
  }
}

/**
 * Opens a connection to a URL's origin and completes its TLS handshake.
 *
 * @throws What connecting, the handshake or the proxy fails with, also when the signal aborts.
 */
export async function dial(url: URL, options: DialOptions): Promise<Transport> {
  const { proxy, mayHang = false } = options;
  if (proxy === undefined) {
    return mayHang ? await connectNodeSocket(url, options) : await open(url, options);
  }
  // The proxy is trusted like any server; the client certificate is not meant for it.
  const toProxyOptions: DialOptions = {
    caCertificatesPem: options.caCertificatesPem,
    alpnProtocols: ["http/1.1"],
    signal: options.signal,
  };
  const toProxy = () => open(proxy.url, toProxyOptions);
  if (url.protocol === "http:") return await toProxy();
  const needsNode = options.clientCertificate !== undefined ||
    proxy.url.protocol === "https:" || mayHang;
  if (needsNode) {
    const socket = await connectNodeSocket(proxy.url, toProxyOptions);
    await closingOnError(socket, options, () => openTunnel(socket, url, proxy.authorization));
    return await startNodeTls(socket, url, options);
  }
  const conn = await toProxy();
  await closingOnError(conn, options, () => openTunnel(conn, url, proxy.authorization));
  // Node's if the proxy's first address does not answer.
  return conn instanceof NodeTransport
    ? await startNodeTls(conn, url, options)
    : await startTls(conn as Deno.TcpConn, url, options);
}

/** Tries the first address; if that fails or takes long, all of them. */
async function open(url: URL, options: DialOptions): Promise<Transport> {
  const first = openFirst(url, options);
  const isAddress = /^[0-9.]+$|^\[/.test(url.hostname);
  if (isAddress) return await first;
  let timer: number | undefined;
  const isLate = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), HEAD_START_MS);
  });
  try {
    const soon = await Promise.race([first, isLate]);
    if (soon !== "late") return soon;
  } catch (error) {
    // Another address may be reachable; a certificate is as bad at every one.
    if (!isUnreachable(error)) throw error;
    return await connectNodeSocket(url, options).catch(() => {
      throw error;
    });
  } finally {
    clearTimeout(timer);
  }
  const others = connectNodeSocket(url, options);
  const [won, lost] = await Promise.any([
    first.then((transport) => [transport, others] as const),
    others.then((transport) => [transport, first] as const),
  ]).catch((error: AggregateError) => {
    throw error.errors[0];
  });
  lost.then((transport) => transport.close(), () => {});
  return won;
}

async function openFirst(url: URL, options: DialOptions): Promise<Transport> {
  const { caCertificatesPem, clientCertificate, alpnProtocols, signal } = options;
  if (url.protocol === "http:" || clientCertificate === undefined) {
    const conn = await Deno.connect({ ...address(url), ...(signal && { signal }) });
    conn.setNoDelay(true);
    return url.protocol === "http:" ? conn : await startTls(conn, url, options);
  }
  const tls = await Deno.connectTls({
    ...address(url),
    caCerts: [...caCertificatesPem],
    alpnProtocols: [...alpnProtocols],
    cert: clientCertificate.certificatePem,
    key: clientCertificate.keyPem,
  });
  return await shakenHands(tls, options);
}

async function startTls(
  conn: Deno.TcpConn,
  url: URL,
  options: DialOptions,
): Promise<Deno.TlsConn> {
  const { caCertificatesPem, alpnProtocols } = options;
  const tls = await Deno.startTls(conn, {
    hostname: hostOf(url),
    caCerts: [...caCertificatesPem],
    alpnProtocols: [...alpnProtocols],
  });
  return await shakenHands(tls, options);
}

/** @throws As the runtime's `fetch` if the other side closes the connection. */
async function shakenHands(tls: Deno.TlsConn, options: DialOptions): Promise<Deno.TlsConn> {
  await closingOnError(tls, options, () => tls.handshake()).catch((cause) => {
    throw cause instanceof Deno.errors.UnexpectedEof ? new Error(HANDSHAKE_EOF, { cause }) : cause;
  });
  return tls;
}

async function openTunnel(
  transport: Transport,
  url: URL,
  authorization: string | undefined,
): Promise<void> {
  const host = `${url.hostname}:${url.port || 443}`;
  const login = authorization === undefined ? "" : `proxy-authorization: ${authorization}\r\n`;
  const connection = new Http1Connection(transport);
  await connection.writeHead(
    encodeLatin1(`CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n${login}\r\n`),
  );
  const { status, headers } = await connection.readHead("CONNECT");
  if (status >= 200 && status < 300) return;
  const offered = headers.filter(([name]) => name === "proxy-authenticate");
  throw new TunnelRefusedError(status, offered.flatMap(([, value]) => schemesIn(value)));
}

/** The authentication schemes of a `Proxy-Authenticate`: words without `=` behind them. */
export function schemesIn(challenges: string): string[] {
  return challenges.replace(/"(?:[^"\\]|\\.)*"?/g, "").split(",").map((text) =>
    text.trim().split(" ")[0]!
  )
    .filter((word) => /^[A-Za-z][\w-]*$/.test(word));
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionRefused ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.TimedOut ||
    (error instanceof Error && /unreachable|no route/i.test(error.message));
}

/** Closes a connection if the work on it fails, or is aborted: the other side may never answer. */
async function closingOnError(
  transport: { close(): void },
  { signal }: Pick<DialOptions, "signal">,
  work: () => Promise<unknown>,
): Promise<void> {
  let isClosed = false;
  const close = () => {
    if (!isClosed) transport.close();
    isClosed = true;
  };
  signal?.addEventListener("abort", close, { once: true });
  try {
    signal?.throwIfAborted();
    await work();
  } catch (error) {
    close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", close);
  }
}

function address(url: URL): { hostname: string; port: number } {
  return { hostname: hostOf(url), port: portOf(url) };
}
