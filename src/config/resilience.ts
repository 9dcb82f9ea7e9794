/**
 * `Timeouts` and `ResilienceConfig` of a server: how long the gateway waits, how it tries again and
 * when it stops trying. Names, meaning and defaults of `ResilienceConfig` are the plugin's.
 *
 * @module
 */
import { z } from "zod";
import type { ResilienceConfig, TimeoutsConfig } from "./gateway_config.ts";
import { DAY_SECONDS, decimal, flag, seconds, whole } from "./value_schemas.ts";

/** The keys of `Timeouts`. */
export const timeoutsSchema = z.strictObject({
  HeadersSeconds: seconds().default(60).describe(
    "Longest wait for the store's answer to begin, for a request without a body",
  ),
  TransferSeconds: seconds().default(3600).describe(
    "Longest time for a request with a body until the store's answer begins, and then for the answer's " +
      "body. From a store that is spoken to by `Http2` a body may go past this limit unless `IdleSeconds` is " +
      "set; see [resilience.md](resilience.md)",
  ),
  IdleSeconds: seconds().optional().describe(
    "Longest wait for the next piece of a body, of the store's answer or of the client's request. " +
      "Bodies then pass through JavaScript, which costs up to half of the throughput; not watched " +
      "unless given",
  ),
  TokenSeconds: seconds().default(10).describe("Longest time for a token request, start to end"),
}).meta({ id: "Timeouts" });

/** The keys of `ResilienceConfig`. */
export const resilienceSchema = z.strictObject({
  CircuitBreakerEnabled: flag().default(false).describe(
    "After repeated failures refuse at once instead of trying",
  ),
  CircuitBreakerFailureThreshold: whole(1, 1_000).default(5).describe(
    "Failures in a row that open the breaker",
  ),
  CircuitBreakerTimeout: decimal(0, DAY_SECONDS).default(60).describe(
    "Seconds after which an open breaker lets one attempt through",
  ),
  RetryMaxAttempts: whole(1, 100).default(3).describe("Attempts in all, the first one included"),
  RetryStrategy: z.enum(["fixed", "linear", "exponential"]).default("exponential").describe(
    "How the delay grows: not at all, by `RetryIncrement`, or by the factor `RetryMultiplier`",
  ),
  RetryInitialDelay: decimal(0, DAY_SECONDS).default(1).describe(
    "Seconds before the second attempt",
  ),
  RetryMultiplier: decimal(1, 100).default(2).describe(
    "Factor from one delay to the next (`exponential`)",
  ),
  RetryMaxDelay: decimal(0, DAY_SECONDS).default(30).describe("Longest delay, in seconds"),
  RetryIncrement: decimal(0, DAY_SECONDS).default(1).describe(
    "Seconds added from one delay to the next (`linear`)",
  ),
}).meta({ id: "ResilienceConfig" });

/**
 * Makes the limits of waiting.
 *
 * @param keys The keys, checked.
 * @returns The limits in milliseconds.
 */
export function buildTimeouts(keys: z.output<typeof timeoutsSchema>): TimeoutsConfig {
  return {
    headersMs: milliseconds(keys.HeadersSeconds),
    transferMs: milliseconds(keys.TransferSeconds),
    tokenMs: milliseconds(keys.TokenSeconds),
    ...(keys.IdleSeconds !== undefined && { idleMs: milliseconds(keys.IdleSeconds) }),
  };
}

/**
 * Makes the rules of trying again.
 *
 * @param keys The keys, checked.
 * @returns The rules, times in milliseconds.
 */
export function buildResilience(keys: z.output<typeof resilienceSchema>): ResilienceConfig {
  return {
    circuitBreaker: keys.CircuitBreakerEnabled
      ? {
        failureThreshold: keys.CircuitBreakerFailureThreshold,
        timeoutMs: milliseconds(keys.CircuitBreakerTimeout),
      }
      : undefined,
    retry: {
      maxAttempts: keys.RetryMaxAttempts,
      strategy: keys.RetryStrategy,
      initialDelayMs: milliseconds(keys.RetryInitialDelay),
      multiplier: keys.RetryMultiplier,
      maxDelayMs: milliseconds(keys.RetryMaxDelay),
      incrementMs: milliseconds(keys.RetryIncrement),
    },
  };
}

function milliseconds(time: number): number {
  return Math.round(time * 1_000);
}
