/**
 * Retries and the circuit breaker of one store. Only those requests are repeated that RFC 9110 (section
 * 9.2.2) calls idempotent and whose body is not gone, and only after failures that pass.
 */
import type { StoreResilienceConfig } from "../config/keys/store_resilience.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { type Availability, CircuitBreaker } from "../network/circuit_breaker.ts";
import { Retries } from "../network/retries.ts";
import { retryAfterMs } from "../network/retry_after.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export interface StoreResilienceOptions {
  readonly server: string;
  readonly configured: StoreResilienceConfig;
  readonly logger: Logger;
  readonly metrics?: Metrics | undefined;
}

export interface Sendable {
  readonly method: string;
  readonly body: unknown;
  /** With `X-Request-ID`, for the log. */
  readonly headers: Headers;
  readonly signal: AbortSignal;
  /** Nobody waits for it: it is not repeated. */
  readonly isOptional?: boolean | undefined;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Repeats requests to one store, and rejects them while it fails. */
export class StoreResilience {
  readonly #options: StoreResilienceOptions;
  readonly #circuit: CircuitBreaker;
  readonly #retries: Retries;

  constructor(options: StoreResilienceOptions) {
    this.#options = options;
    const { server, configured, metrics } = options;
    this.#circuit = new CircuitBreaker({
      server,
      configured: configured.circuitBreaker,
      availability: availabilityOf,
      rejection: { code: "NET-010", subject: `Cannot forward the request: server "${server}"` },
      state: metrics?.storeCircuitBreakerState,
      rejections: metrics?.storeCircuitBreakerRejections,
      monotonic: () => performance.now(),
    });
    this.#retries = new Retries({
      rules: configured.retry,
      wantedDelayMs,
      onRetry: () => metrics?.storeRetries.inc({ server }),
    });
  }

  /**
   * Sends a request, and repeats it after a transient failure if that does no harm.
   *
   * @returns The store's response, whatever its status.
   * @throws What the last attempt throws.
   * @throws The signal's reason when it aborts during a wait.
   */
  send(
    { method, body, headers, signal, isOptional }: Sendable,
    attempt: () => Promise<Response>,
  ): Promise<Response> {
    return this.#retries.run(attempt, {
      signal,
      isRepeatable: isOptional !== true && isRepeatable(method, body !== null),
      discard: (outcome, delayMs) => this.#discard(outcome, delayMs, headers),
    });
  }

  /**
   * Makes one attempt.
   *
   * @throws {CircuitOpenError} NET-010 while the circuit is open.
   * @throws What `send` throws.
   */
  attempt(send: () => Promise<Response>): Promise<Response> {
    return this.#circuit.execute(send);
  }

  #discard(outcome: unknown, delayMs: number, headers: Headers): Promise<void> | undefined {
    const { logger, server } = this.#options;
    const isResponse = outcome instanceof Response;
    logger.info("Request to store failed; retrying", {
      server,
      failure: isResponse ? outcome.status : reasonOf(outcome),
      delayMs: Math.round(delayMs),
      request_id: headers.get("x-request-id"),
    });
    return isResponse ? outcome.body?.cancel() : undefined;
  }
}

/**
 * Whether a request may be repeated.
 *
 * @param hasBody A body is streamed, and gone once sent.
 */
export function isRepeatable(method: string, hasBody: boolean): boolean {
  return !hasBody && IDEMPOTENT.has(method);
}

/**
 * What an attempt says about the store: no connection, or a proxy's response in its place, is a failure. A
 * client that left says nothing.
 *
 * @param outcome A response, or what was thrown.
 */
export function availabilityOf(outcome: unknown): Availability {
  if (outcome instanceof Response) {
    const { status } = outcome;
    return status === 502 || status === 503 || status === 504 ? "unavailable" : "available";
  }
  // 408: the client was too slow.
  const isFailure = outcome instanceof GatewayError && outcome.status !== 408 &&
    (outcome.code === "NET-002" || outcome.code === "NET-001");
  return isFailure ? "unavailable" : "unknown";
}

/**
 * How long the store asks to wait before a request is repeated.
 *
 * @param outcome A response, or what was thrown.
 * @param nowMs The wall clock, which a date in `Retry-After` is compared with.
 * @returns Milliseconds, 0 where it names no time; `undefined` where the outcome is final.
 */
export function wantedDelayMs(outcome: unknown, nowMs: number = Date.now()): number | undefined {
  if (!(outcome instanceof Response)) {
    return availabilityOf(outcome) === "unavailable" ? 0 : undefined;
  }
  if (outcome.status === 429) return retryAfterMs(outcome.headers, nowMs);
  if (availabilityOf(outcome) === "available") return undefined;
  return retryAfterMs(outcome.headers, nowMs) ?? 0;
}

function reasonOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
