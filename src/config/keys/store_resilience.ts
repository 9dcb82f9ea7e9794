/**
 * `StoreResilience` of a server: concurrency limit, retries and circuit breaker of requests to the
 * store. A healthy store never reaches the default limits.
 */
import type { Frozen } from "../values/frozen.ts";
import type { z } from "zod";
import { keysOf } from "../values/keys_of.ts";
import { decimal, flag, seconds, waitSeconds, whole } from "../values/value_schemas.ts";
import { circuitBreakerKeys, circuitBreakerOf } from "./resilience.ts";

export const storeResilience = keysOf({
  MaxConcurrentRequests: whole(1, 100_000).default(1024).describe(
    "Concurrency limit: client requests in progress at the store, each from its arrival to the last byte of its response, a WebSocket until it is closed. Divided evenly among `Workers`",
  ),
  MaxQueuedRequests: whole(0, 100_000).default(1024).describe(
    "Queue length: further requests that wait; any beyond are rejected with 503 and `Retry-After`. Divided evenly among `Workers`",
  ),
  QueueSeconds: waitSeconds().prefault(10).describe(
    "Longest wait in the queue before a request is rejected with 503 and `Retry-After`",
  ),
  RetryMaxAttempts: whole(1, 10).default(2).describe(
    "Attempts in total, including the first, for GET, HEAD, OPTIONS, and PUT and DELETE without a " +
      "body, after a failed connection or an answer 502, 503, 504 or 429 with `Retry-After`; 1: never " +
      "send again",
  ),
  RetryInitialDelay: seconds(0).prefault(0.2).describe(
    "Seconds before the second attempt, unless `Retry-After` asks for more. Doubles with each attempt; up to half of it is subtracted as jitter",
  ),
  RetryMaxDelay: seconds(0).prefault(5).describe(
    "Longest delay in seconds. A response whose `Retry-After` asks for more is passed to the client",
  ),
  RetryBudgetPercent: decimal(0, 100).default(10).describe(
    "Retry budget: retries per 100 requests, over time. Up to ten unused ones are saved for bursts",
  ),
  CircuitBreakerEnabled: flag().default(false).describe(
    "Circuit breaker: after repeated failures (no connection, 502, 503, 504) reject with 503 at once instead of trying",
  ),
  CircuitBreakerFailureThreshold: circuitBreakerKeys.CircuitBreakerFailureThreshold.describe(
    "Consecutive failures that open the breaker; counted per worker",
  ),
  CircuitBreakerTimeout: circuitBreakerKeys.CircuitBreakerTimeout.describe(
    "Seconds after which an open breaker allows one request",
  ),
}).transform((keys) => ({
  /** Concurrent requests of clients, from arrival to the last byte of the response. */
  maxConcurrent: keys.MaxConcurrentRequests,
  /** Length of the queue. */
  maxQueued: keys.MaxQueuedRequests,
  /** Longest wait in the queue. */
  queueMs: keys.QueueSeconds,
  retry: {
    /** Attempts in total, including the first. */
    maxAttempts: keys.RetryMaxAttempts,
    /** Before the second attempt; doubled each time. */
    initialDelayMs: keys.RetryInitialDelay,
    /** Also the longest `Retry-After` that is obeyed. */
    maxDelayMs: keys.RetryMaxDelay,
    /** Fraction of all requests that may be retries, from 0 to 1. */
    budget: keys.RetryBudgetPercent / 100,
  },
  circuitBreaker: circuitBreakerOf(keys),
}));

/** Concurrency, retries and circuit breaker of requests to a store. Times are in milliseconds. */
export type StoreResilienceConfig = Frozen<z.output<typeof storeResilience>>;
