/**
 * How often a token endpoint is asked when it fails: again, after growing waits, where that may
 * help; not at all for a while where it refused or said when to come back. Counts every request.
 *
 * @module
 */
import { handleWhen, retry, type RetryPolicy } from "cockatiel";
import type { ResilienceConfig } from "../config/keys/resilience.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { type Clock, sleep } from "./clock.ts";
import type { Token } from "./token.ts";
import { CircuitOpenError, TokenCircuit } from "./token_circuit.ts";

/** How long a provider that refused is not asked again: its answer would be the same. */
const REFUSAL_HOLD_MS = 5000;

/** What a policy works with. */
export interface TokenRequestPolicyOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly resilience: ResilienceConfig;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** A number from 0 up to 1, for jitter. */
  readonly random: () => number;
}

/**
 * Tells whether a failed token request may succeed when it is sent again.
 *
 * @param error What it failed with.
 * @returns True for a provider that is out of reach, busy or too slow.
 */
function isTransient(error: unknown): error is GatewayError {
  return error instanceof GatewayError && (error.code === "AUTH-003" || error.code === "NET-001");
}

/**
 * The wait before a retry, without jitter.
 *
 * @param retryNumber 1 for the first retry.
 * @param configured What the configuration says.
 * @returns Milliseconds.
 *
 * @example
 * ```ts
 * import { retryDelayMs } from "./token_request_policy.ts";
 * import assert from "node:assert/strict";
 *
 * const retry = { maxAttempts: 9, initialDelayMs: 100, multiplier: 2, incrementMs: 50, maxDelayMs: 300 };
 * const delays = (strategy: "fixed" | "linear" | "exponential") =>
 *   [1, 2, 3, 9].map((n) => retryDelayMs(n, { ...retry, strategy }));
 * assert.deepEqual(delays("fixed"), [100, 100, 100, 100]);
 * assert.deepEqual(delays("linear"), [100, 150, 200, 300]);
 * assert.deepEqual(delays("exponential"), [100, 200, 300, 300]);
 * ```
 */
export function retryDelayMs(retryNumber: number, configured: ResilienceConfig["retry"]): number {
  const { strategy, initialDelayMs, incrementMs, multiplier, maxDelayMs } = configured;
  const grown = {
    fixed: initialDelayMs,
    linear: initialDelayMs + incrementMs * (retryNumber - 1),
    exponential: initialDelayMs * multiplier ** (retryNumber - 1),
  };
  return Math.min(grown[strategy], maxDelayMs);
}

/** Sends the token requests of one server as often as is sensible. */
export class TokenRequestPolicy {
  readonly #options: TokenRequestPolicyOptions;
  readonly #retry: RetryPolicy;
  readonly #circuit: TokenCircuit;
  #hold: { readonly error: GatewayError; readonly untilMs: number } | undefined;

  /** @param options What it works with. */
  constructor(options: TokenRequestPolicyOptions) {
    this.#options = options;
    const { resilience: { retry: configured, circuitBreaker }, ...rest } = options;
    this.#retry = retry(
      // Waiting longer than configured is for the next request, not for this one.
      handleWhen((error) =>
        isTransient(error) && !(error instanceof CircuitOpenError) &&
        (error.retryAfterSeconds ?? 0) * 1000 <= configured.maxDelayMs
      ),
      { maxAttempts: configured.maxAttempts - 1 },
    );
    this.#circuit = new TokenCircuit({
      ...rest,
      configured: circuitBreaker,
      isFailure: isTransient,
    });
  }

  /**
   * Asks for a token until it comes or it makes no sense to go on.
   *
   * @param acquire Sends one request.
   * @param signal Ends it all.
   * @param options `now`: even if the provider has just refused.
   * @returns The token.
   * @throws {GatewayError} What the last request failed with; AUTH-003 while the circuit is open.
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
    let last: unknown;
    try {
      const token = await this.#retry.execute(async ({ attempt }) => {
        if (attempt > 0) await this.#waitBeforeRetry(attempt, last, signal);
        try {
          return await this.#circuit.execute(() => this.#measure(acquire));
        } catch (error) {
          last = error;
          throw error;
        }
      }, signal);
      this.#hold = undefined;
      return token;
    } catch (error) {
      this.#remember(error);
      throw error;
    }
  }

  /** cockatiel's own wait can neither be aborted nor use another clock, so its backoff is zero. */
  async #waitBeforeRetry(retryNumber: number, last: unknown, signal: AbortSignal): Promise<void> {
    const { clock, metrics, random, resilience, server } = this.#options;
    const jitteredMs = retryDelayMs(retryNumber, resilience.retry) * (1 - random() / 2);
    const wantedMs = isTransient(last) ? (last.retryAfterSeconds ?? 0) * 1000 : 0;
    await sleep(clock, Math.max(jitteredMs, wantedMs), signal);
    metrics.retryAttempts.inc({ server });
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
