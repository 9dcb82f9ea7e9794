/**
 * Tries the lowest steps of a connection one by one, for diagnosis: resolving the name, connecting,
 * opening a tunnel through a proxy. Nothing of the configuration but the proxy's login is sent.
 */
import { lookup } from "node:dns/promises";
import { type IncomingMessage, request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { connect, type Socket } from "node:net";
import { basicCredentials } from "./connector.ts";
import { schemesIn } from "./http1/dial.ts";
import { limited, settled } from "./wait.ts";

export interface Endpoint {
  /** A name or an address, the latter without brackets. */
  readonly host: string;
  readonly port: number;
}

/** An egress proxy. */
export interface ProxyEndpoint extends Endpoint {
  /** Whether the connection to the proxy itself uses TLS. */
  readonly tls: boolean;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** The response of a proxy to `CONNECT`. */
export interface TunnelAnswer {
  readonly status: number;
  /** The authentication schemes that it offers. */
  readonly schemes: readonly string[];
  /** The tunnel, which the caller closes; only with a status of 2xx. */
  readonly socket: Socket | undefined;
}

/**
 * Resolves a name as the system does: its hosts file, then DNS.
 *
 * @throws {Error} When there is none; `code` is `ENOTFOUND`, `EAI_AGAIN` or `ETIMEDOUT`.
 */
export async function resolveName(host: string, timeoutMs: number): Promise<string[]> {
  const lookingUp = lookup(host, { all: true });
  const found = await limited(lookingUp, timeoutMs, () => timedOut(timeoutMs));
  return found.map(({ address }) => address);
}

/**
 * Whether a DNS server answers for a name, even if only that it does not exist. Deno 2.7.14 reports
 * `ENOTFOUND` for a name that does not exist and for a DNS server that does not answer.
 *
 * @param nameServer Unless given, the system's.
 */
export async function hasDnsAnswer(
  host: string,
  timeoutMs: number,
  nameServer?: { readonly ipAddr: string; readonly port: number },
): Promise<boolean> {
  try {
    await Deno.resolveDns(host, "A", {
      ...(nameServer && { nameServer }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return true;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/**
 * Opens a connection, which the caller closes.
 *
 * @throws {Error} When it cannot be opened; `code` is `ECONNREFUSED`, `ETIMEDOUT`, …
 */
export function openConnection(endpoint: Endpoint, timeoutMs: number): Promise<Socket> {
  const socket = connect(endpoint);
  return settled<Socket>(socket, timeoutMs, timedOut, (resolve) => {
    socket.once("connect", () => resolve(socket));
  });
}

/**
 * Opens a tunnel through a proxy (RFC 9110, section 9.3.6).
 *
 * @throws {Error} Without a response of the proxy in time.
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
    : { "proxy-authorization": basicCredentials({ username, password: password ?? "" }) };
  const request = (tls ? requestTls : requestPlain)({
    host,
    port,
    path,
    method: "CONNECT",
    agent: false,
    headers: { host: path, ...login },
  });
  return settled<TunnelAnswer>(request, timeoutMs, timedOut, (resolve) => {
    const answered = ({ headersDistinct, statusCode = 0 }: IncomingMessage, socket?: Socket) => {
      const schemes = schemesIn((headersDistinct["proxy-authenticate"] ?? []).join(","));
      resolve({ status: statusCode, schemes, socket });
    };
    request.on("connect", (response, socket) => {
      const { statusCode = 0 } = response;
      const isOpen = statusCode >= 200 && statusCode < 300;
      if (!isOpen) socket.destroy();
      answered(response, isOpen ? socket as Socket : undefined);
    });
    request.on("response", (response) => {
      response.destroy();
      answered(response);
    });
    request.end();
  });
}

function timedOut(timeoutMs: number): Error {
  return Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: "ETIMEDOUT" });
}
