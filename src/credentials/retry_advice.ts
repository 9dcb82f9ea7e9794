/**
 * Sees to it that whoever finds the identity provider unavailable is told when to come back.
 *
 * @module
 */
import { GatewayError } from "../errors/gateway_error.ts";

/** What the client is told when neither the provider nor the circuit breaker names a time. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/**
 * Gives an unavailable provider a time to try again.
 *
 * @param error Why no token can be had.
 * @returns The error, with `retryAfterSeconds` where it is AUTH-003.
 */
export function withRetryAfter(error: unknown): unknown {
  if (
    !(error instanceof GatewayError) || error.code !== "AUTH-003" ||
    error.retryAfterSeconds !== undefined
  ) {
    return error;
  }
  return new GatewayError(error.code, error.message, {
    ...(error.server !== undefined && { server: error.server }),
    retryAfterSeconds: DEFAULT_RETRY_AFTER_SECONDS,
    // The catalogue's own steps are added again.
    troubleshooting: error.troubleshooting.slice(0, -error.entry.troubleshooting.length),
    cause: error.cause,
  });
}
