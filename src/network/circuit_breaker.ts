/**
 * The circuit breaker of a store or a token endpoint: after a number of failures in a row, attempts are
 * rejected for a while; then one attempt decides whether it closes. It uses the monotonic clock, so that
 * setting the wall clock back does not keep it open.
 */
import type { ErrorCode } from "../errors/catalogue.ts";
import { GatewayError } from "../errors/gateway_error.ts";

/** The states, numbered as the metric is. */
const CLOSED = 0;
const OPEN = 1;
const HALF_OPEN = 2;

/** What an attempt shows of the peer; `unknown` if the client left, for instance. */
export type Availability = "available" | "unavailable" | "unknown";

export interface CircuitBreakerOptions {
  /** Name of the configured server. */
  readonly server: string;
  /** `undefined`: it never opens. */
  readonly configured:
    | { readonly failureThreshold: number; readonly timeoutMs: number }
    | undefined;
  /** Judges an attempt by what it returned or threw. */
  readonly availability: (outcome: unknown) => Availability;
  /** Error code, and the beginning of the message up to the subject. */
  readonly rejection: { readonly code: ErrorCode; readonly subject: string };
  readonly state?: { set(labels: { server: string }, value: number): void } | undefined;
  readonly rejections?: { inc(labels: { server: string }): void } | undefined;
  /** The monotonic clock, in milliseconds. */
  readonly monotonic: () => number;
}

/** Rejects attempts while a peer fails. */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  #state = CLOSED;
  #failuresInRow = 0;
  #openUntilMs = 0;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
    this.#enter(CLOSED);
  }

  /**
   * Makes an attempt unless the circuit is open.
   *
   * @throws {CircuitOpenError} While it is open, or the attempt that decides is in progress.
   * @throws What the attempt throws.
   */
  execute<T>(attempt: () => Promise<T>): Promise<T> {
    const { configured } = this.#options;
    return configured === undefined ? attempt() : this.#observe(attempt, configured);
  }

  async #observe<T>(
    attempt: () => Promise<T>,
    configured: NonNullable<CircuitBreakerOptions["configured"]>,
  ): Promise<T> {
    const isTrial = this.#admit();
    let outcome: unknown;
    try {
      const result = await attempt();
      outcome = result;
      return result;
    } catch (error) {
      outcome = error;
      throw error;
    } finally {
      this.#settle(this.#options.availability(outcome), isTrial, configured);
    }
  }

  /** Whether this attempt decides if the circuit closes. */
  #admit(): boolean {
    if (this.#state === CLOSED) return false;
    const openMs = this.#openUntilMs - this.#options.monotonic();
    if (this.#state === HALF_OPEN || openMs > 0) throw this.#rejection(openMs);
    this.#enter(HALF_OPEN);
    return true;
  }

  #settle(
    availability: Availability,
    isTrial: boolean,
    { failureThreshold, timeoutMs }: NonNullable<CircuitBreakerOptions["configured"]>,
  ): void {
    // An attempt that began before the circuit opened changes nothing.
    if (!isTrial && (this.#state !== CLOSED || availability === "unknown")) return;
    if (availability === "available") {
      this.#failuresInRow = 0;
      if (isTrial) this.#enter(CLOSED);
    } else if (isTrial || ++this.#failuresInRow >= failureThreshold) {
      this.#openUntilMs = this.#options.monotonic() + timeoutMs;
      this.#enter(OPEN);
    }
  }

  #enter(state: number): void {
    const { server } = this.#options;
    this.#state = state;
    this.#options.state?.set({ server }, state);
  }

  #rejection(openMs: number): CircuitOpenError {
    const { server, rejection, rejections } = this.#options;
    rejections?.inc({ server });
    const retryAfterSeconds = Math.max(1, Math.ceil(openMs / 1000));
    const state =
      `failed repeatedly; the next attempt is in ${retryAfterSeconds} s (circuit breaker open)`;
    return new CircuitOpenError(rejection.code, `${rejection.subject} ${state}`, {
      server,
      retryAfterSeconds,
    });
  }
}

/** An attempt was not made, because the circuit is open. */
export class CircuitOpenError extends GatewayError {}
