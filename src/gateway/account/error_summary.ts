/**
 * Errors as plain data that workers exchange, without their causes.
 */
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";

export interface ErrorSummary {
  readonly atMs: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly troubleshooting: readonly string[];
}

/** @param atMs Milliseconds since the epoch. */
export function errorSummary(error: GatewayError, atMs: number): ErrorSummary {
  const { code, message, troubleshooting } = error;
  return { atMs, code, message, troubleshooting };
}
