/**
 * Turns errors into responses: `application/problem+json` (RFC 9457) with the fields of the plugin.
 * Anything but a {@linkcode GatewayError} is a bug, of which the client learns nothing.
 */
import { GatewayError } from "../errors/gateway_error.ts";

/** @returns The error itself if it is a {@linkcode GatewayError}, else INT-001 with it as the cause. */
export function asGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError
    ? error
    : new GatewayError("INT-001", "Unexpected internal error", { cause: error });
}

/** The response to a request that failed; its shape is `Problem` of `answer_schemas.ts`. */
export function problemResponse(error: GatewayError, requestId: string): Response {
  const { entry, status, code, message, troubleshooting } = error;
  const problem = {
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
  for (const [name, value] of Object.entries(error.headers)) headers.set(name, value);
  const { retryAfterSeconds = entry.retryAfterSeconds } = error;
  if (retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(Math.max(1, Math.ceil(retryAfterSeconds))));
  }
  return Response.json(problem, { status, headers });
}
