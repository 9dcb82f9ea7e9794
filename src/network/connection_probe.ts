/**
 * Tries the lowest steps of a connection one by one, for diagnosis: looking up the name, connecting,
 * asking a proxy for a tunnel. Nothing of the configuration but the proxy's login is sent.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { connect, isIP, type Socket } from "node:net";

/** Where to connect. */
export interface Endpoint {
  /** A name or an address, the latter without brackets. */
  readonly host: string;
  readonly port: number;
}

/** An egress proxy. */
export interface ProxyEndpoint extends Endpoint {
  /** Whether the proxy itself is spoken to over TLS. */
  readonly tls: boolean;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** What a proxy said to `CONNECT`. */
export interface TunnelAnswer {
  readonly status: number;
  /** The tunnel, open: whoever gets it ends it. Only with a status of 2xx. */
  readonly socket: Socket | undefined;
}

/**
 * Whether a host is an address, which needs no looking up.
 *
 * @param host A name or address, the latter without brackets.
 */
export function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

/**
 * Looks up a name as the system does: its hosts file, then DNS.
 *
 * @param timeoutMs How long that may take.
 * @throws {Error} When there is none; `code` says why (`ENOTFOUND`, `EAI_AGAIN`, `ETIMEDOUT`).
 */
export async function resolveName(host: string, timeoutMs: number): Promise<string[]> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(timedOut(timeoutMs)), timeoutMs);
  try {
    const found = await Promise.race([lookup(host, { all: true }), timeout.promise]);
    return found.map(({ address }) => address);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Opens a connection.
 *
 * @param timeoutMs How long that may take.
 * @returns The connection: whoever gets it ends it.
 * @throws {Error} When it cannot be opened; `code` says why (`ECONNREFUSED`, `ETIMEDOUT`, …).
 */
export function openConnection(endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint);
    const timer = setTimeout(() => socket.destroy(timedOut(timeoutMs)), timeoutMs);
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/**
 * Asks a proxy for a tunnel (RFC 9110, section 9.3.6).
 *
 * @param options `timeoutMs`: how long the proxy may take.
 * @throws {Error} When it gave no answer.
 */
export function openTunnel(
  proxy: ProxyEndpoint,
  target: Endpoint,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<TunnelAnswer> {
  const { host, port, tls, username, password } = proxy;
  const name = target.host.includes(":") ? `[${target.host}]` : target.host;
  const path = `${name}:${target.port}`;
  const login = username === undefined
    ? {}
    : { "proxy-authorization": `Basic ${btoa(`${username}:${password ?? ""}`)}` };
  return new Promise((resolve, reject) => {
    const asked = (tls ? requestTls : requestPlain)({
      host,
      port,
      path,
      method: "CONNECT",
      agent: false,
      headers: { host: path, ...login },
    });
    const timer = setTimeout(() => asked.destroy(timedOut(timeoutMs)), timeoutMs);
    asked.on("connect", ({ statusCode = 0 }, socket) => {
      clearTimeout(timer);
      const isOpen = statusCode >= 200 && statusCode < 300;
      if (!isOpen) socket.destroy();
      resolve({ status: statusCode, socket: isOpen ? socket as Socket : undefined });
    });
    asked.on("response", (response) => {
      clearTimeout(timer);
      response.destroy();
      resolve({ status: response.statusCode ?? 0, socket: undefined });
    });
    asked.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    asked.end();
  });
}

function timedOut(timeoutMs: number): Error {
  return Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: "ETIMEDOUT" });
}
