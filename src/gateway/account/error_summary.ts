/**
 * An error as plain data, which workers send each other: never with its cause.
 *
 * @module
 */
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";

/** What the status page and the API report of an error. */
export interface ErrorSummary {
  readonly atMs: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly troubleshooting: readonly string[];
}

/**
 * Summarizes an error.
 *
 * @param atMs When it happened, in milliseconds since the epoch.
 */
export function errorSummary(error: GatewayError, atMs: number): ErrorSummary {
  const { code, message, troubleshooting } = error;
  return { atMs, code, message, troubleshooting };
}
