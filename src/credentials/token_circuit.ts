/**
 * The circuit breaker of a token endpoint: after so many failures in a row it is left alone for a
 * while, then tried with one request. Its state and its rejections are metrics.
 *
 * @module
 */
import {
  BrokenCircuitError,
  circuitBreaker,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  handleWhen,
} from "cockatiel";
import type { ResilienceConfig } from "../config/keys/resilience.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Clock } from "./clock.ts";
import { monotonicBackoff } from "./monotonic_backoff.ts";

/** What a circuit works with. */
export interface TokenCircuitOptions {
  /** Name of the configured server. */
  readonly server: string;
  /** What the configuration says; without it the circuit never opens. */
  readonly configured: ResilienceConfig["circuitBreaker"];
  /** Which failures count. */
  readonly isFailure: (error: unknown) => boolean;
  readonly metrics: Pick<Metrics, "circuitBreakerState" | "circuitBreakerRejections">;
  readonly clock: Clock;
}

/** The circuit breaker of one token endpoint. */
export class TokenCircuit {
  readonly #options: TokenCircuitOptions;
  readonly #breaker: CircuitBreakerPolicy | undefined;
  #openUntilMs = 0;

  /** @param options What it works with. */
  constructor(options: TokenCircuitOptions) {
    this.#options = options;
    const { server, configured, isFailure, metrics, clock } = options;
    metrics.circuitBreakerState.set({ server }, 0);
    if (configured === undefined) return;
    this.#breaker = circuitBreaker(handleWhen(isFailure), {
      breaker: new ConsecutiveBreaker(configured.failureThreshold),
      halfOpenAfter: {
        next: () => monotonicBackoff(() => clock.monotonic(), configured.timeoutMs),
      },
    });
    // cockatiel numbers the states as the metric does: 0 closed, 1 open, 2 half-open.
    this.#breaker.onStateChange((state) => metrics.circuitBreakerState.set({ server }, state));
    this.#breaker.onBreak(() => this.#openUntilMs = clock.monotonic() + configured.timeoutMs);
  }

  /**
   * Runs a token request unless the circuit is open.
   *
   * @param request Sends the request.
   * @returns What it gives.
   * @throws {CircuitOpenError} While the circuit is open.
   * @throws What the request throws.
   */
  async execute<T>(request: () => Promise<T>): Promise<T> {
    if (this.#breaker === undefined) return await request();
    try {
      return await this.#breaker.execute(request);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      const { server, metrics, clock } = this.#options;
      metrics.circuitBreakerRejections.inc({ server });
      const openMs = this.#openUntilMs - clock.monotonic();
      throw new CircuitOpenError(server, Math.max(Math.ceil(openMs / 1000), 1));
    }
  }
}

/** The token endpoint is not asked, because it failed too often. */
export class CircuitOpenError extends GatewayError {
  /**
   * @param server Name of the configured server.
   * @param retryAfterSeconds When it is tried again.
   */
  constructor(server: string, retryAfterSeconds: number) {
    const state = `it failed repeatedly and is tried again in ${retryAfterSeconds} s ` +
      "(circuit breaker open)";
    super("AUTH-003", `Cannot ask the token endpoint of server "${server}": ${state}`, {
      server,
      retryAfterSeconds,
    });
  }
}
