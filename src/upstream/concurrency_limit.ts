/**
 * Concurrency limit of one store, with a queue of bounded length and time. Requests beyond that are
 * rejected at once with `Retry-After`.
 */
import { GatewayError } from "../errors/gateway_error.ts";

export interface ConcurrencyLimitOptions {
  readonly server: string;
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  /** How long each may wait. */
  readonly queueMs: number;
  /** Called for each rejected request. */
  readonly onReject?: () => void;
  /** What is counted, for the message; `requests` unless given. */
  readonly what?: string;
}

interface Waiting {
  readonly enter: () => void;
}

export class ConcurrencyLimit {
  /** Called when there is no place: may make one. */
  onFull: (() => void) | undefined;
  /** Called when a place has become free that nobody waits for. */
  onFree: (() => void) | undefined;
  readonly #options: ConcurrencyLimitOptions;
  /** In order of arrival. */
  readonly #queue = new Set<Waiting>();
  #maxConcurrent: number;
  #inFlight = 0;

  constructor(options: ConcurrencyLimitOptions) {
    this.#options = options;
    this.#maxConcurrent = options.maxConcurrent;
  }

  get maxConcurrent(): number {
    return this.#maxConcurrent;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Takes a place, now or when another request has ended; {@linkcode leave} gives it back.
   *
   * @returns Undefined if there is a place now, otherwise a promise of it.
   * @throws {GatewayError} NET-011 if the queue is full or the wait too long.
   * @throws The signal's reason when it aborts.
   */
  enter(signal: AbortSignal): Promise<void> | undefined {
    if (this.#inFlight >= this.#maxConcurrent) this.onFull?.();
    // In order of arrival: a new request never takes a place before those that wait.
    if (this.#inFlight < this.#maxConcurrent && this.#queue.size === 0) {
      this.#inFlight++;
      return undefined;
    }
    if (this.#queue.size >= this.#options.maxQueued) throw this.#refusal("the queue is full");
    return this.#wait(signal);
  }

  leave(): void {
    const [next] = this.#queue;
    // The place passes to the next request without becoming free in between.
    if (next !== undefined && this.#inFlight <= this.#maxConcurrent) return next.enter();
    this.#inFlight--;
    this.onFree?.();
  }

  /** Changes the limit; requests in progress continue. */
  resize(maxConcurrent: number): void {
    this.#maxConcurrent = maxConcurrent;
    for (const next of this.#queue) {
      if (this.#inFlight >= maxConcurrent) return;
      this.#inFlight++;
      next.enter();
    }
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
    const { server, queueMs, onReject, what = "requests" } = this.#options;
    onReject?.();
    return new GatewayError(
      "NET-011",
      `Concurrency limit reached: ${this.#maxConcurrent} ${what} to server "${server}" are in progress, ` +
        `and ${why}`,
      { server, retryAfterSeconds: Math.max(1, queueMs / 1000) },
    );
  }
}
