/**
 * What stands between a request and a store that fails: the circuit breaker and the retries. A
 * request that succeeds costs it a few comparisons.
 *
 * @module
 */
import type { StoreResilienceConfig } from "../config/keys/store_resilience.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { wait } from "./pace.ts";
import { StoreCircuit } from "./store_circuit.ts";
import { isRepeatable, isUnavailable, StoreRetries } from "./store_retries.ts";

/** What it works with. */
export interface StoreResilienceOptions {
  /** Name of the configured server. */
  readonly server: string;
  readonly configured: StoreResilienceConfig;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
  /** The monotonic clock, in milliseconds. */
  readonly now?: () => number;
  /** A number from 0 up to 1, for jitter. */
  readonly random?: () => number;
}

/** A request that is to reach the store. */
export interface Sendable {
  readonly method: string;
  readonly body: unknown;
  /** With the `X-Request-ID` by which the log names it. */
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

/** How one store is treated when it fails. */
export class StoreResilience {
  readonly #options: StoreResilienceOptions;
  readonly #circuit: StoreCircuit | undefined;
  readonly #retries: StoreRetries;

  /** @param options What it works with. */
  constructor(options: StoreResilienceOptions) {
    this.#options = options;
    const { server, configured, metrics, now = () => performance.now() } = options;
    metrics?.storeCircuitBreakerState.set({ server }, 0);
    this.#circuit = configured.circuitBreaker &&
      new StoreCircuit({ server, configured: configured.circuitBreaker, metrics, now });
    this.#retries = new StoreRetries({
      configured: configured.retry,
      random: options.random ?? Math.random,
      wallClock: Date.now,
    });
  }

  /** A client's request, or one of those made of it, is sent for the first time. */
  began(): void {
    this.#retries.began();
  }

  /**
   * Makes one attempt, unless the store is left alone.
   *
   * @param send Sends the request.
   * @returns The store's answer, whatever it is.
   * @throws {GatewayError} NET-010 while the store is left alone.
   * @throws What `send` throws.
   */
  attempt(send: () => Promise<Response>): Promise<Response> {
    return this.#circuit === undefined ? send() : this.#watched(this.#circuit, send);
  }

  /**
   * After a failed attempt: waits where the request may be sent again.
   *
   * @param outcome The store's answer, which is dropped if it is not the last one, or what was thrown.
   * @param request The request.
   * @param attempts How often it has been sent.
   * @returns Whether to send it again now.
   * @throws The signal's reason when it aborts.
   */
  async mayRepeat(
    outcome: unknown,
    { method, body, headers, signal }: Sendable,
    attempts: number,
  ): Promise<boolean> {
    if (signal.aborted || !isRepeatable(method, body !== null)) return false;
    const delayMs = this.#retries.delayMs(outcome, attempts);
    if (delayMs === undefined) return false;
    const { logger, metrics, server } = this.#options;
    const failure = outcome instanceof Response ? outcome.status : reasonOf(outcome);
    logger.info("Store failed; the request is sent again", {
      server,
      failure,
      delayMs: Math.round(delayMs),
      request_id: headers.get("x-request-id"),
    });
    if (outcome instanceof Response) await outcome.body?.cancel();
    await wait(delayMs, signal);
    // Not before: a client that leaves meanwhile has nothing sent again.
    metrics?.storeRetries.inc({ server });
    return true;
  }

  async #watched(circuit: StoreCircuit, send: () => Promise<Response>): Promise<Response> {
    const decide = circuit.admit();
    let outcome: unknown;
    try {
      const response = await send();
      outcome = response;
      return response;
    } catch (error) {
      outcome = error;
      throw error;
    } finally {
      if (decide !== undefined) {
        // A client that left has learnt nothing of the store: it stays left alone.
        decide(
          outcome instanceof Response && !isUnavailable(outcome) ? "available" : "unavailable",
        );
      } else if (isUnavailable(outcome)) circuit.settle("unavailable");
      else if (outcome instanceof Response) circuit.settle("available");
    }
  }
}

function reasonOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
