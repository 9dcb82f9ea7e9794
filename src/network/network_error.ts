/**
 * Turns network failures of the runtime and of the HTTP/1.1 client into errors of the catalogue, without
 * the path and query of the request.
 */
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { UnusableStatusError } from "./http1/http1_client.ts";

/** How a server rejects the client's certificate (RFC 8446, section 6.2). */
const REFUSED_CERTIFICATE =
  /received fatal alert: (CertificateRequired|BadCertificate|UnsupportedCertificate|CertificateRevoked|CertificateExpired|CertificateUnknown|UnknownCA|AccessDenied)/;

/**
 * The error of the catalogue for a failed request: NET-001, NET-002, NET-003, or NET-005 if the body to
 * send could not be read.
 *
 * @param host The `host:port` of the request.
 */
export function networkError(host: string, cause: unknown): GatewayError {
  if (cause instanceof UnusableStatusError) {
    const state = `unexpected status ${cause.status} for this request`;
    return new GatewayError("NET-002", `Cannot understand ${host}: ${state}`, { cause });
  }
  const text = cause instanceof Error ? cause.message : String(cause);
  // A fault of the client, not of this host: the body was incomplete or malformed.
  if (text.includes("error from user's Body stream")) {
    return new BrokenBodyError("it was cut off or has invalid HTTP framing", { cause });
  }
  const [, alert] = REFUSED_CERTIFICATE.exec(text) ?? [];
  if (alert !== undefined) {
    const state = `it requires a client certificate that it trusts (TLS alert ${alert})`;
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

/** The innermost part of the runtime's message: the URL before it may contain patient identifiers. */
function reason(text: string): string {
  const at = text.lastIndexOf("): ");
  return (at < 0 ? text.replace(/https?:\/\/\S+/g, "the host") : text.slice(at + 3)).trim();
}
