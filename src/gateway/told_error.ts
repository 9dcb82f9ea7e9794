/**
 * An error as plain data, which one worker tells another: never with its cause.
 *
 * @module
 */
import type { ErrorCode } from "../errors/catalogue.ts";
import type { GatewayError } from "../errors/gateway_error.ts";

/** An error as it is told. */
export interface ToldError {
  readonly atMs: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly troubleshooting: readonly string[];
}

/**
 * What is told of an error.
 *
 * @param error The error.
 * @param atMs When it happened, in milliseconds since the epoch.
 * @returns Plain data.
 */
export function toldError(error: GatewayError, atMs: number): ToldError {
  const { code, message, troubleshooting } = error;
  return { atMs, code, message, troubleshooting };
}
