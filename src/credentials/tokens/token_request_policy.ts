/**
 * Retries token requests with back-off after temporary failures, and sends none for a while after a
 * refusal or until `Retry-After`. Counts every request.
 */
import type { ResilienceConfig } from "../../config/keys/resilience.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { CircuitBreaker, CircuitOpenError } from "../../network/circuit_breaker.ts";
import type { Clock } from "../../network/clock.ts";
import { Retries } from "../../network/retries.ts";
import type { Token } from "../token.ts";

/** A refused request is not repeated for this time: the response would be the same. */
const REFUSAL_HOLD_MS = 5000;

export interface TokenRequestPolicyOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly resilience: ResilienceConfig;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** Whether the provider is unreachable, busy or too slow: a retry may succeed. */
function isTransient(error: unknown): error is GatewayError {
  return error instanceof GatewayError && (error.code === "AUTH-003" || error.code === "NET-001");
}

export class TokenRequestPolicy {
  readonly #options: TokenRequestPolicyOptions;
  readonly #retries: Retries;
  readonly #circuit: CircuitBreaker;
  #hold: { readonly error: GatewayError; readonly untilMs: number } | undefined;

  constructor(options: TokenRequestPolicyOptions) {
    this.#options = options;
    const { server, resilience, metrics, clock, random } = options;
    this.#retries = new Retries({
      rules: resilience.retry,
      wantedDelayMs: (outcome) =>
        isTransient(outcome) && !(outcome instanceof CircuitOpenError)
          ? (outcome.retryAfterSeconds ?? 0) * 1000
          : undefined,
      onRetry: () => metrics.retryAttempts.inc({ server }),
      random,
      clock,
    });
    this.#circuit = new CircuitBreaker({
      server,
      configured: resilience.circuitBreaker,
      availability: (outcome) => isTransient(outcome) ? "unavailable" : "available",
      rejection: {
        code: "AUTH-003",
        subject: `Cannot call the token endpoint of server "${server}": it`,
      },
      state: metrics.circuitBreakerState,
      rejections: metrics.circuitBreakerRejections,
      monotonic: () => clock.monotonic(),
    });
  }

  /**
   * @param options `now`: also shortly after a refusal.
   * @throws {GatewayError} The failure of the last request; AUTH-003 while the circuit is open.
   * @throws The signal's reason when it aborts.
   */
  async execute(
    acquire: () => Promise<Token>,
    signal: AbortSignal,
    { now = false }: { readonly now?: boolean } = {},
  ): Promise<Token> {
    if (!now && this.#hold !== undefined && this.#options.clock.monotonic() < this.#hold.untilMs) {
      throw this.#hold.error;
    }
    try {
      const token = await this.#retries.run(
        () => this.#circuit.execute(() => this.#measure(acquire)),
        { signal },
      );
      this.#hold = undefined;
      return token;
    } catch (error) {
      this.#remember(error);
      throw error;
    }
  }

  async #measure(acquire: () => Promise<Token>): Promise<Token> {
    const { clock, metrics, server } = this.#options;
    const startMs = clock.monotonic();
    let status = "failure";
    try {
      const token = await acquire();
      status = "success";
      return token;
    } finally {
      metrics.tokenAcquisitions.inc({ server, status });
      metrics.tokenAcquisitionDuration.observe({ server }, (clock.monotonic() - startMs) / 1000);
    }
  }

  #remember(error: unknown): void {
    if (!(error instanceof GatewayError) || error instanceof CircuitOpenError) return;
    const holdMs = isTransient(error) ? (error.retryAfterSeconds ?? 0) * 1000 : REFUSAL_HOLD_MS;
    this.#hold = { error, untilMs: this.#options.clock.monotonic() + holdMs };
  }
}
