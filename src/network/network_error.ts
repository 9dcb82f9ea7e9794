/**
 * Turns network failures of the runtime and of the HTTP/1.1 client into errors of the catalogue, without
 * the path and query of the request.
 */
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { HANDSHAKE_EOF, TunnelRefusedError } from "./http1/dial.ts";
import { UnusableStatusError } from "./http1/http1_client.ts";
import { tlsFault, type TlsFaultKind } from "./tls_fault.ts";

/** Faults of the connection rather than of the host's certificate. */
const UNREACHABLE: ReadonlySet<TlsFaultKind> = new Set([
  "client certificate",
  "renegotiation",
  "no common suite",
  "no TLS",
]);

/**
 * The error of the catalogue for a failed request: NET-001, NET-002, NET-003, or NET-005 if the body to
 * send could not be read.
 *
 * @param host The `host:port` of the request.
 * @param proxy The proxy that it was sent through.
 */
export function networkError(host: string, cause: unknown, proxy?: UsedProxy): GatewayError {
  if (cause instanceof UnusableStatusError) {
    const state = `unexpected status ${cause.status} for this request`;
    return new GatewayError("NET-002", `Cannot understand ${host}: ${state}`, { cause });
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  if (proxy !== undefined) {
    if (cause instanceof TunnelRefusedError) return tunnelError(host, proxy, cause);
    // The runtime's client reports no more of a response to CONNECT.
    if (text.includes("proxy authentication required")) {
      return tunnelError(host, proxy, { status: 407, schemes: [] });
    }
    if (text.includes("unsuccessful tunnel")) return tunnelError(host, proxy, { schemes: [] });
  }
  const place = proxy === undefined ? host : `${host} through the proxy ${proxy.host}`;
  // A fault of the client, not of this host: the body was incomplete or malformed.
  if (text.includes("error from user's Body stream")) {
    return new BrokenBodyError("it was cut off or has invalid HTTP framing", { cause });
  }
  if (text.includes(HANDSHAKE_EOF)) {
    const state = "it closed the connection during the TLS handshake";
    return new GatewayError("NET-002", `Cannot reach ${place}: ${state}`, {
      cause,
      troubleshooting: [
        `Ask the operator of ${host}, and of each firewall or proxy in between, whether it permits ` +
        "this host name",
      ],
    });
  }
  const fault = tlsFault(host, text);
  if (fault !== undefined) {
    const { kind, state, advice: troubleshooting } = fault;
    const action = UNREACHABLE.has(kind) ? `reach ${place}` : `trust ${host}`;
    return new GatewayError("NET-003", `Cannot ${action}: ${state}`, { cause, troubleshooting });
  }
  if (/certificate|tls|handshake|corrupt message|fatal alert|peer is incompatible/i.test(text)) {
    return new GatewayError("NET-003", `Cannot trust ${host}: ${reason(text)}`, { cause });
  }
  if (/timed out/i.test(text)) {
    return new GatewayError("NET-001", `Cannot reach ${place}: ${reason(text)}`, { cause });
  }
  return new GatewayError("NET-002", `Cannot reach ${place}: ${reason(text)}`, { cause });
}

/** The proxy that a request was sent through. */
export interface UsedProxy {
  /** `host:port`. */
  readonly host: string;
  readonly hasLogin: boolean;
}

/** The status, if it is known, and the authentication schemes with which a proxy refused a request. */
export interface ProxyAnswer {
  readonly status?: number;
  readonly schemes: readonly string[];
}

/** The error of a request that a proxy refused. */
export function tunnelError(host: string, proxy: UsedProxy, answer: ProxyAnswer): GatewayError {
  const { state, step } = proxyRefusal(host, proxy, answer);
  const message = `Cannot reach ${host} through the proxy ${proxy.host}: it ${state}`;
  return new GatewayError("NET-002", message, { troubleshooting: [step] });
}

/** What a proxy's refusal means, and the step that mends it. */
export function proxyRefusal(
  host: string,
  { hasLogin }: UsedProxy,
  { status, schemes }: ProxyAnswer,
): { readonly state: string; readonly step: string } {
  // tinyproxy answers 401 to a wrong login.
  if (status !== 407 && status !== 401) {
    const request = status === undefined
      ? `to permit ${host}, and whether the proxy can resolve and reach ${host}`
      : status < 500
      ? `to permit ${host}`
      : `whether the proxy can resolve and reach ${host}`;
    return {
      state: `opens no tunnel to ${host}${status === undefined ? "" : `: it answered ${status}`}`,
      step: `Ask the operator of the proxy ${request}, or add the host to Proxy.Except if this ` +
        "machine can reach it directly",
    };
  }
  if (schemes.length > 0 && !schemes.some((scheme) => /^basic$/i.test(scheme))) {
    const names = [...new Set(schemes)].join(" or ");
    return {
      state: `requires ${names} authentication (${status}), which the gateway does not support`,
      step:
        "Ask the operator of the proxy to admit this machine by its address, or to offer Basic " +
        "authentication",
    };
  }
  return hasLogin
    ? {
      state: `rejects the user name or the password (${status})`,
      step: "Check Proxy.Username and Proxy.Password; only Basic authentication is supported",
    }
    : {
      state: `requires a user name and a password (${status})`,
      step: "Set Proxy.Username and Proxy.Password; only Basic authentication is supported",
    };
}

/** The innermost part of the runtime's message: the URL before it may contain patient identifiers. */
function reason(text: string): string {
  const at = text.lastIndexOf("): ");
  return (at < 0 ? text.replace(/https?:\/\/\S+/g, "the host") : text.slice(at + 3)).trim();
}
