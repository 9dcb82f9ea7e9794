/**
 * `StoreResilience` of a server: how many requests its store gets at once, which are sent again, and
 * when it is left alone. All of it has defaults that a healthy store never meets.
 *
 * @module
 */
import { z } from "zod";
import { DAY_SECONDS, decimal, flag, seconds, whole } from "./value_schemas.ts";

/** How a store is treated that fails or has too much to do. Times are in milliseconds. */
export interface StoreResilienceConfig {
  /** Clients' requests at once, from arrival to the last byte of the answer. */
  readonly maxConcurrent: number;
  /** Clients' requests that wait for others to end. */
  readonly maxQueued: number;
  /** How long they wait. */
  readonly queueMs: number;
  readonly retry: {
    /** Attempts in all, the first one included. */
    readonly maxAttempts: number;
    /** Before the second attempt; doubled each time. */
    readonly initialDelayMs: number;
    /** The longest wait, and the longest `Retry-After` that is waited for. */
    readonly maxDelayMs: number;
    /** Which part of all requests may be repeated ones, from 0 to 1. */
    readonly budget: number;
  };
  readonly circuitBreaker:
    | { readonly failureThreshold: number; readonly timeoutMs: number }
    | undefined;
}

/** The keys of `StoreResilience`. */
export const storeResilienceSchema = z.strictObject({
  MaxConcurrentRequests: whole(1, 100_000).default(1024).describe(
    "How many requests of clients may be under way to the store at once, each from its arrival to " +
      "the last byte of its answer, a WebSocket until it is closed. Several `Workers` share it evenly",
  ),
  MaxQueuedRequests: whole(0, 100_000).default(1024).describe(
    "How many more may wait for one of those to end; any beyond are answered 503 with `Retry-After`. " +
      "Several `Workers` share it evenly",
  ),
  QueueSeconds: seconds().default(10).describe(
    "How long a request may wait before it is answered 503 with `Retry-After`",
  ),
  RetryMaxAttempts: whole(1, 10).default(2).describe(
    "Attempts in all, the first one included, at GET, HEAD, OPTIONS, and PUT and DELETE without a " +
      "body, after a failed connection or an answer 502, 503, 504 or 429 with `Retry-After`; 1: never " +
      "send again",
  ),
  RetryInitialDelay: decimal(0, DAY_SECONDS).default(0.2).describe(
    "Seconds before the second attempt, unless `Retry-After` asks for more. It doubles each time; up " +
      "to half of it is taken off at random",
  ),
  RetryMaxDelay: decimal(0, DAY_SECONDS).default(5).describe(
    "Longest delay in seconds. An answer whose `Retry-After` asks for more goes to the client as it is",
  ),
  RetryBudgetPercent: decimal(0, 100).default(10).describe(
    "How many of 100 requests may be sent again, over time; what goes beyond is not. Up to ten saved " +
      "up from quieter times come on top",
  ),
  CircuitBreakerEnabled: flag().default(false).describe(
    "After repeated failures (no connection, 502, 503, 504) answer 503 at once instead of trying",
  ),
  CircuitBreakerFailureThreshold: whole(1, 1_000).default(5).describe(
    "Failures in a row that open the breaker; each worker counts its own",
  ),
  CircuitBreakerTimeout: decimal(0, DAY_SECONDS).default(60).describe(
    "Seconds after which an open breaker lets one request through",
  ),
}).meta({ id: "StoreResilience" });

/**
 * Makes the rules for a store.
 *
 * @param keys The keys, checked.
 * @returns The rules, times in milliseconds.
 */
export function buildStoreResilience(
  keys: z.output<typeof storeResilienceSchema>,
): StoreResilienceConfig {
  return {
    maxConcurrent: keys.MaxConcurrentRequests,
    maxQueued: keys.MaxQueuedRequests,
    queueMs: milliseconds(keys.QueueSeconds),
    retry: {
      maxAttempts: keys.RetryMaxAttempts,
      initialDelayMs: milliseconds(keys.RetryInitialDelay),
      maxDelayMs: milliseconds(keys.RetryMaxDelay),
      budget: keys.RetryBudgetPercent / 100,
    },
    circuitBreaker: keys.CircuitBreakerEnabled
      ? {
        failureThreshold: keys.CircuitBreakerFailureThreshold,
        timeoutMs: milliseconds(keys.CircuitBreakerTimeout),
      }
      : undefined,
  };
}

function milliseconds(time: number): number {
  return Math.round(time * 1_000);
}
