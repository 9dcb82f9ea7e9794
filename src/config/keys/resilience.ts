/**
 * `Timeouts` and `ResilienceConfig` of a server: timeouts, retries and circuit breaker. Names, meaning
 * and defaults of `ResilienceConfig` are the plugin's.
 */
import type { Frozen } from "../values/frozen.ts";
import { z } from "zod";
import { keysOf } from "../values/keys_of.ts";
import { decimal, flag, seconds, waitSeconds, whole } from "../values/value_schemas.ts";

/** Below the 60 s after which load balancers usually close idle connections. */
export const KEEP_ALIVE_SECONDS = 30;

export const timeouts = keysOf({
  HeadersSeconds: waitSeconds().prefault(60).describe(
    "Timeout for the start of the store's response, for a request without a body",
  ),
  TransferSeconds: waitSeconds().prefault(3600).describe(
    "Timeout for a request with a body until the store's response starts, and then for the response body. Over `Http2` a response body may exceed this limit unless `IdleSeconds` is " +
      "set; see [resilience.md](resilience.md)",
  ),
  IdleSeconds: waitSeconds().optional().describe(
    "Timeout between two chunks of a body, of the store's response or of the client's request. Bodies then pass through JavaScript, which costs up to half of the throughput; not applied " +
      "unless given",
  ),
  KeepAliveSeconds: waitSeconds().prefault(KEEP_ALIVE_SECONDS).describe(
    "How long an idle connection to the store or the token endpoint is kept for the next request. Choose " +
      "less than firewalls and load balancers on the way do. Requests that are not repeated, such as uploads, " +
      "use only connections that were in use within the last two seconds",
  ),
  TokenSeconds: waitSeconds().prefault(10).describe(
    "Timeout for a token request, start to end",
  ),
}).transform((keys) => ({
  /** To the store, without a body: from the request to the answer's headers. */
  headersMs: keys.HeadersSeconds,
  /** To the store, with a body: to the answer's headers; then for an answer's body that JavaScript reads. */
  transferMs: keys.TransferSeconds,
  /** Between two pieces of a body; without it they are not watched. */
  ...(keys.IdleSeconds !== undefined && { idleMs: keys.IdleSeconds }),
  /** An idle connection, until it is closed. */
  keepAliveMs: keys.KeepAliveSeconds,
  /** A token request, from start to end. */
  tokenMs: keys.TokenSeconds,
}));

/** The keys of every circuit breaker. */
export const circuitBreakerKeys = {
  CircuitBreakerFailureThreshold: whole(1, 1_000).default(5),
  CircuitBreakerTimeout: seconds(0).prefault(60),
};

export const resilience = keysOf({
  CircuitBreakerEnabled: flag().default(false).describe(
    "Circuit breaker: after repeated failures, reject at once instead of trying",
  ),
  CircuitBreakerFailureThreshold: circuitBreakerKeys.CircuitBreakerFailureThreshold.describe(
    "Consecutive failures that open the breaker",
  ),
  CircuitBreakerTimeout: circuitBreakerKeys.CircuitBreakerTimeout.describe(
    "Seconds after which an open breaker allows one attempt",
  ),
  RetryMaxAttempts: whole(1, 100).default(3).describe("Attempts in total, including the first"),
  RetryStrategy: z.enum(["fixed", "linear", "exponential"]).default("exponential").describe(
    "Backoff strategy: constant delay, growing by `RetryIncrement`, or by the factor `RetryMultiplier`. " +
      "Up to half of each delay is subtracted at random (jitter), so that gateways do not retry in step",
  ),
  RetryInitialDelay: seconds(0).prefault(1).describe("Seconds before the second attempt"),
  RetryMultiplier: decimal(1, 100).default(2).describe(
    "Factor from one delay to the next (`exponential`)",
  ),
  RetryMaxDelay: seconds(0).prefault(30).describe("Longest delay, in seconds"),
  RetryIncrement: seconds(0).prefault(1).describe(
    "Seconds added from one delay to the next (`linear`)",
  ),
}).transform((keys) => ({
  circuitBreaker: circuitBreakerOf(keys),
  retry: {
    maxAttempts: keys.RetryMaxAttempts,
    strategy: keys.RetryStrategy,
    initialDelayMs: keys.RetryInitialDelay,
    multiplier: keys.RetryMultiplier,
    maxDelayMs: keys.RetryMaxDelay,
    incrementMs: keys.RetryIncrement,
  },
}));

export type ResilienceConfig = Frozen<z.output<typeof resilience>>;

/** The circuit breaker; `undefined` if it is disabled. */
export function circuitBreakerOf(
  keys: z.output<z.ZodObject<typeof circuitBreakerKeys>> & {
    readonly CircuitBreakerEnabled: boolean;
  },
): { readonly failureThreshold: number; readonly timeoutMs: number } | undefined {
  if (!keys.CircuitBreakerEnabled) return undefined;
  return {
    failureThreshold: keys.CircuitBreakerFailureThreshold,
    timeoutMs: keys.CircuitBreakerTimeout,
  };
}
