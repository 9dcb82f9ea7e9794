/**
 * Turns failures into answers: `application/problem+json` (RFC 9457) with the fields of the plugin.
 * What is not a {@linkcode GatewayError} is a bug, and says nothing about itself to the client.
 *
 * @module
 */
import type { ErrorCode } from "../errors/catalogue.ts";
import { GatewayError } from "../errors/gateway_error.ts";

/** The body of the gateway's own error answers. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly error_code: ErrorCode;
  readonly category: string;
  readonly severity: string;
  readonly message: string;
  readonly troubleshooting: readonly string[];
  readonly request_id: string;
}

/**
 * The catalogue's view of any failure.
 *
 * @returns The same when it is a {@linkcode GatewayError}, else INT-001.
 */
export function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError("INT-001", "Unexpected internal error", {
    cause: error,
  });
}

/** The answer to a request that failed. */
export function problemResponse(error: GatewayError, requestId: string): Response {
  const { entry, status, code, message, troubleshooting } = error;
  const problem: Problem = {
    type: "about:blank",
    title: entry.title,
    status,
    detail: message,
    error_code: code,
    category: entry.category,
    severity: entry.severity,
    message,
    troubleshooting,
    request_id: requestId,
  };
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
  });
  for (const name in error.headers) headers.set(name, error.headers[name]!);
  const { retryAfterSeconds = entry.retryAfterSeconds } = error;
  if (retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(Math.max(1, Math.ceil(retryAfterSeconds))));
  }
  return Response.json(problem, { status, headers });
}
