/**
 * Limits on how long exchanges may take, kept by one timer for all of them: a timer for each
 * request would cost more than the rest of its bookkeeping.
 */
import { GatewayError } from "../errors/gateway_error.ts";

/** How often the limits are looked at, in milliseconds: an exchange ends at most this much late. */
const SWEEP_MS = 250;

/** One exchange with a store, while it lasts. */
export class Exchange {
  readonly #controller = new AbortController();
  /** When it is aborted, in milliseconds of the monotonic clock. */
  deadlineMs: number;
  /** What it is waiting for, for the message. */
  waitingFor: string;
  /** The status that tells of it, where it is not the store that is waited for. */
  status: number | undefined;

  /**
   * @param deadlineMs When it is aborted, in milliseconds of the monotonic clock.
   * @param waitingFor What it is waiting for, such as `the answer of server "main"`.
   */
  constructor(deadlineMs: number, waitingFor: string) {
    this.deadlineMs = deadlineMs;
    this.waitingFor = waitingFor;
  }

  /** Aborts when the limit has passed or the client has gone. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}

/** The running exchanges of one worker. */
export class Deadlines {
  readonly #exchanges = new Set<Exchange>();
  readonly #now: () => number;
  #timer: number | undefined;

  /** @param now The monotonic clock, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Begins an exchange.
   *
   * @param limitMs How long it may wait.
   * @returns The exchange; hand it to {@linkcode end} when it is over.
   */
  begin(limitMs: number, waitingFor: string): Exchange {
    const exchange = new Exchange(this.#now() + limitMs, waitingFor);
    this.#exchanges.add(exchange);
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
      Deno.unrefTimer(this.#timer);
    }
    return exchange;
  }

  extend(exchange: Exchange, limitMs: number, waitingFor: string): void {
    exchange.deadlineMs = this.#now() + limitMs;
    exchange.waitingFor = waitingFor;
  }

  end(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    if (this.#exchanges.size === 0 && this.#timer !== undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  /** Aborts every exchange whose limit has passed. */
  sweep(): void {
    const now = this.#now();
    for (const exchange of this.#exchanges) {
      if (exchange.deadlineMs > now) continue;
      this.end(exchange);
      const { waitingFor, status } = exchange;
      exchange.abort(
        new GatewayError("NET-001", `Timeout while waiting for ${waitingFor}`, {
          ...(status && { status }),
        }),
      );
    }
  }
}
