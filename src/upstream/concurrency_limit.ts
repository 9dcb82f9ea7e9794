/**
 * A cap on how many requests of clients are under way to one store, with a queue of bounded length
 * and time before it. Whoever comes beyond that is told at once when to come back, instead of waiting
 * for an answer that the store has no room for.
 *
 * @module
 */
import { GatewayError } from "../errors/gateway_error.ts";

/** What a limit works with. */
export interface ConcurrencyLimitOptions {
  /** Name of the configured server. */
  readonly server: string;
  /** How many may be under way. */
  readonly maxConcurrent: number;
  /** How many may wait. */
  readonly maxQueued: number;
  /** How long each may wait, in milliseconds. */
  readonly queueMs: number;
  /** Told of each request that is turned away. */
  readonly onReject?: () => void;
  /** What is counted, for the message; `requests` unless given. */
  readonly what?: string;
}

interface Waiting {
  readonly enter: () => void;
}

/** Counts the requests under way to one store. */
export class ConcurrencyLimit {
  readonly #options: ConcurrencyLimitOptions;
  /** In the order in which they came. */
  readonly #queue = new Set<Waiting>();
  #inFlight = 0;

  /** @param options What it works with. */
  constructor(options: ConcurrencyLimitOptions) {
    this.#options = options;
  }

  /** How many are under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** How many wait. */
  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Lets a request begin, now or when others have ended. Each that was let in calls
   * {@linkcode leave} once.
   *
   * @returns Nothing where it may begin now, else a promise of that.
   * @throws {GatewayError} NET-011 when the queue is full or did not move in time.
   * @throws The signal's reason when it aborts.
   */
  enter(signal: AbortSignal): Promise<void> | undefined {
    // Whoever waits was here before: a newcomer never takes the place that has just become free.
    if (this.#inFlight < this.#options.maxConcurrent && this.#queue.size === 0) {
      this.#inFlight++;
      return undefined;
    }
    if (this.#queue.size >= this.#options.maxQueued) throw this.#refusal("the queue is full");
    return this.#wait(signal);
  }

  /** A request has ended. */
  leave(): void {
    for (const next of this.#queue) {
      // The place goes on to the next without becoming free in between.
      next.enter();
      return;
    }
    this.#inFlight--;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = {
      enter: () => {
        this.#queue.delete(waiting);
        resolve();
      },
    };
    const giveUp = (reason: unknown) => {
      this.#queue.delete(waiting);
      reject(reason);
    };
    const onAbort = () => giveUp(signal.reason);
    const { queueMs } = this.#options;
    const timer = setTimeout(
      () => giveUp(this.#refusal(`none of them ended within ${queueMs / 1000} s`)),
      queueMs,
    );
    signal.addEventListener("abort", onAbort, { once: true });
    this.#queue.add(waiting);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  #refusal(why: string): GatewayError {
    const { server, maxConcurrent, queueMs, onReject, what = "requests" } = this.#options;
    onReject?.();
    return new GatewayError(
      "NET-011",
      `Concurrency limit reached: ${maxConcurrent} ${what} to server "${server}" are in progress, ` +
        `and ${why}`,
      { server, retryAfterSeconds: Math.max(1, queueMs / 1000) },
    );
  }
}
