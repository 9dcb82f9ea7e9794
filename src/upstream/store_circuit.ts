/**
 * The circuit breaker of a store: after so many failures in a row it is left alone for a while, then
 * tried with one request. While all is well a request passes it without a promise or a closure: only
 * failures, and the first success after one, are told to cockatiel.
 *
 * @module
 */
import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  handleAll,
} from "cockatiel";
import type { StoreResilienceConfig } from "../config/keys/store_resilience.ts";
import { monotonicBackoff } from "../credentials/monotonic_backoff.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** What a circuit works with. */
export interface StoreCircuitOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly configured: NonNullable<StoreResilienceConfig["circuitBreaker"]>;
  readonly metrics?:
    | Pick<Metrics, "storeCircuitBreakerState" | "storeCircuitBreakerRejections">
    | undefined;
  /** The monotonic clock, in milliseconds. */
  readonly now: () => number;
}

/** What is known of an attempt: whether the store was there for it. */
export type AttemptOutcome = "available" | "unavailable";

/** The circuit breaker of one store. */
export class StoreCircuit {
  readonly #options: StoreCircuitOptions;
  readonly #breaker: CircuitBreakerPolicy;
  #untilMs = 0;
  #failuresInRow = 0;

  /** @param options What it works with. */
  constructor(options: StoreCircuitOptions) {
    this.#options = options;
    const { server, configured, metrics, now } = options;
    this.#breaker = circuitBreaker(handleAll, {
      breaker: new ConsecutiveBreaker(configured.failureThreshold),
      halfOpenAfter: { next: () => monotonicBackoff(now, configured.timeoutMs) },
    });
    // cockatiel numbers the states as the metric does: 0 closed, 1 open, 2 half-open.
    this.#breaker.onStateChange((state) =>
      metrics?.storeCircuitBreakerState.set({ server }, state)
    );
    this.#breaker.onBreak(() => this.#untilMs = now() + configured.timeoutMs);
  }

  /**
   * Asks whether the store may be tried.
   *
   * @returns Nothing while all is well; {@linkcode settle} is told of the outcome then. Where this
   * attempt decides whether the circuit closes, the function that is told instead.
   * @throws {GatewayError} NET-010 while the circuit is open, or its one attempt is under way.
   */
  admit(): ((outcome: AttemptOutcome) => void) | undefined {
    const { state } = this.#breaker;
    if (state === CircuitState.Closed) return undefined;
    const openMs = this.#untilMs - this.#options.now();
    if (state !== CircuitState.Open || openMs > 0) throw this.#refusal(openMs);
    const { promise, resolve } = Promise.withResolvers<AttemptOutcome>();
    this.#breaker.execute(async () => failUnless(await promise)).catch(() => {});
    return resolve;
  }

  /** @param outcome How an attempt ended that was made while all was well. */
  settle(outcome: AttemptOutcome): void {
    if (outcome === "available" && this.#failuresInRow === 0) return;
    this.#failuresInRow = outcome === "available" ? 0 : this.#failuresInRow + 1;
    // One that was under way when the circuit opened says nothing new.
    if (this.#breaker.state !== CircuitState.Closed) return;
    this.#breaker.execute(() => failUnless(outcome)).catch(() => {});
  }

  #refusal(openMs: number): GatewayError {
    const { server, metrics } = this.#options;
    metrics?.storeCircuitBreakerRejections.inc({ server });
    const retryAfterSeconds = Math.max(1, Math.ceil(openMs / 1000));
    return new GatewayError(
      "NET-010",
      `Cannot forward the request: server "${server}" failed repeatedly and is tried again in ` +
        `${retryAfterSeconds} s (circuit breaker open)`,
      { server, retryAfterSeconds },
    );
  }
}

function failUnless(outcome: AttemptOutcome): void {
  if (outcome === "unavailable") throw new Error("store unavailable");
}
