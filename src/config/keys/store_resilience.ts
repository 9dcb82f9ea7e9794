/**
 * `StoreResilience` of a server: how many requests its store gets at once, which are retried, and
 * when it is left alone. All of it has defaults that a healthy store never meets.
 *
 * @module
 */
import type { Frozen } from "../values/frozen.ts";
import type { z } from "zod";
import { keysOf } from "../values/keys_of.ts";
import { decimal, flag, seconds, waitSeconds, whole } from "../values/value_schemas.ts";
import { circuitBreakerKeys, circuitBreakerOf } from "./resilience.ts";

/** The keys of `StoreResilience`. */
export const storeResilience = keysOf({
  MaxConcurrentRequests: whole(1, 100_000).default(1024).describe(
    "How many requests of clients may be under way to the store at once, each from its arrival to " +
      "the last byte of its answer, a WebSocket until it is closed. Several `Workers` share it evenly",
  ),
  MaxQueuedRequests: whole(0, 100_000).default(1024).describe(
    "How many more may wait for one of those to end; any beyond are answered 503 with `Retry-After`. " +
      "Several `Workers` share it evenly",
  ),
  QueueSeconds: waitSeconds().prefault(10).describe(
    "How long a request may wait before it is answered 503 with `Retry-After`",
  ),
  RetryMaxAttempts: whole(1, 10).default(2).describe(
    "Attempts in all, the first one included, at GET, HEAD, OPTIONS, and PUT and DELETE without a " +
      "body, after a failed connection or an answer 502, 503, 504 or 429 with `Retry-After`; 1: never " +
      "send again",
  ),
  RetryInitialDelay: seconds(0).prefault(0.2).describe(
    "Seconds before the second attempt, unless `Retry-After` asks for more. It doubles each time; up " +
      "to half of it is taken off at random",
  ),
  RetryMaxDelay: seconds(0).prefault(5).describe(
    "Longest delay in seconds. An answer whose `Retry-After` asks for more goes to the client as it is",
  ),
  RetryBudgetPercent: decimal(0, 100).default(10).describe(
    "How many of 100 requests may be sent again, over time; what goes beyond is not. Up to ten saved " +
      "up from quieter times come on top",
  ),
  CircuitBreakerEnabled: flag().default(false).describe(
    "After repeated failures (no connection, 502, 503, 504) answer 503 at once instead of trying",
  ),
  CircuitBreakerFailureThreshold: circuitBreakerKeys.CircuitBreakerFailureThreshold.describe(
    "Failures in a row that open the breaker; each worker counts its own",
  ),
  CircuitBreakerTimeout: circuitBreakerKeys.CircuitBreakerTimeout.describe(
    "Seconds after which an open breaker lets one request through",
  ),
}).transform((keys) => ({
  /** Clients' requests at once, from arrival to the last byte of the answer. */
  maxConcurrent: keys.MaxConcurrentRequests,
  /** Clients' requests that wait for others to end. */
  maxQueued: keys.MaxQueuedRequests,
  /** How long they wait. */
  queueMs: keys.QueueSeconds,
  retry: {
    /** Attempts in all, the first one included. */
    maxAttempts: keys.RetryMaxAttempts,
    /** Before the second attempt; doubled each time. */
    initialDelayMs: keys.RetryInitialDelay,
    /** The longest wait, and the longest `Retry-After` that is waited for. */
    maxDelayMs: keys.RetryMaxDelay,
    /** Which part of all requests may be repeated ones, from 0 to 1. */
    budget: keys.RetryBudgetPercent / 100,
  },
  circuitBreaker: circuitBreakerOf(keys),
}));

/** How a store is treated that fails or has too much to do. Times are in milliseconds. */
export type StoreResilienceConfig = Frozen<z.output<typeof storeResilience>>;
