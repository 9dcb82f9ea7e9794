/**
 * Reads into memory what viewers will ask for next, with what clients leave of the connections to the store:
 * it pauses if the store has too many requests, and ends requests whose place a client needs.
 */
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import { retryAfterMs } from "../../network/retry_after.ts";
import type { Load } from "./load.ts";
import type { Loads } from "./loads.ts";
import type { ReadAheadOptions } from "./read_ahead_options.ts";
import type { Ahead, Viewings } from "./viewings.ts";

/** After a failure, unless the store says how long. */
const PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

/** What it reads, and with what. */
export interface BackgroundReaderOptions {
  readonly loads: Loads;
  readonly viewings: Viewings;
  /** Drops from memory what a response shows to be gone. */
  readonly judge: (response: Response, transaction: Transaction) => void;
}

export class BackgroundReader {
  readonly #options: ReadAheadOptions & BackgroundReaderOptions;
  readonly #now: () => number;
  /** Keys of what is about to be read. */
  readonly #starting = new Set<string>();
  readonly #closed = new AbortController();
  #pausedUntilMs = 0;

  constructor(options: ReadAheadOptions & BackgroundReaderOptions) {
    this.#options = options;
    this.#now = options.memory.now;
    options.limit.onFull = () => options.loads.yieldPlace();
    // Not before the client takes it for which it was made.
    options.limit.onFree = () => queueMicrotask(() => this.fill());
  }

  /** Ends what is read; resolves when it has ended. */
  async close(): Promise<void> {
    this.#closed.abort(new DOMException("Closed", "AbortError"));
    await this.#options.loads.close(this.#closed.signal.reason);
  }

  /** Reads ahead as long as there is something to read and nothing against it. */
  fill(): void {
    const { loads, viewings } = this.#options;
    while (this.#mayStart()) {
      const next = viewings.next((key) => !loads.has(key) && !this.#starting.has(key));
      if (next === undefined) return;
      void this.#readAhead(next);
    }
  }

  #mayStart(): boolean {
    const { limit, concurrency } = this.#options;
    const most = Math.min(concurrency, limit.maxConcurrent);
    return !this.#closed.signal.aborted && limit.queued === 0 &&
      limit.inFlight + this.#starting.size < most && this.#now() >= this.#pausedUntilMs;
  }

  async #readAhead(ahead: Ahead): Promise<void> {
    const { forward, viewing, key = forward.target } = ahead;
    const { pace, limit, metrics, server, send, loads } = this.#options;
    const { signal } = this.#closed;
    this.#starting.add(key);
    viewing.underWay++;
    try {
      await pace.rest(signal);
      await pace.turn(forward.transaction.name, signal);
      const isTaken = loads.has(key) || limit.inFlight >= limit.maxConcurrent;
      if (isTaken || limit.queued > 0 || this.#now() < this.#pausedUntilMs) return;
      const load = loads.create(ahead, true);
      metrics?.readAheadRequests.inc({ server });
      const answered = load.begin((running, observe) =>
        send(forward, running, { observe, isOptional: true })
      );
      this.#starting.delete(key);
      this.#settle(await answered, load, ahead);
      await load.held;
      if (load.outcome === "no room") viewing.isPaused = true;
      else if (load.outcome === "not to be kept") viewing.isRefused = true;
    } catch {
      // A client that asks for it gets the error.
      if (!signal.aborted) viewing.isPaused = true;
    } finally {
      this.#starting.delete(key);
      viewing.underWay--;
      this.fill();
    }
  }

  #settle(response: Response, load: Load, { viewing, forward, key }: Ahead): void {
    const { status, headers } = response;
    this.#options.judge(response, forward.transaction);
    if (status === 429 || status === 503) {
      const waitMs = retryAfterMs(headers, Date.now()) || PAUSE_MS;
      this.#pausedUntilMs = this.#now() + Math.min(waitMs, LONGEST_PAUSE_MS);
    }
    if (key === undefined) return;
    if (status !== 200 || load.outcome === "not to be kept") viewing.isRefused = true;
  }
}
