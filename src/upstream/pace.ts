/**
 * Spreads the requests that the gateway makes of a client's one over time, within the quota of the store,
 * and repeats them if the store throttles.
 */
import { classify } from "../dicomweb/transaction/transaction.ts";
import type { TransactionName } from "../dicomweb/transaction/transaction_catalogue.ts";
import { retryAfterMs } from "../network/retry_after.ts";
import { sleep } from "../network/wait.ts";
import { get, type StoreExchange } from "./store_exchange.ts";

/** First delay after a throttled request, unless the store says how long. */
const THROTTLED_WAIT_MS = 500;
const LONGEST_THROTTLED_WAIT_MS = 30_000;
const MAX_THROTTLED = 8;

/** The quota of a store, which HealthImaging has for each of its actions. */
export class Pace {
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** When the next request may begin, by transaction. */
  readonly #nextMs = new Map<TransactionName, number>();
  /** Until when the store asked for no requests. */
  #heldUntilMs = 0;

  /**
   * @param perSecond How many requests of a transaction may begin within a second; 0: any number.
   * @param now The monotonic clock, in milliseconds.
   */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#intervalMs = perSecond > 0 ? 1000 / perSecond : 0;
    this.#now = now;
  }

  /** No request begins for a time, because the store throttles. */
  hold(delayMs: number): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, this.#now() + delayMs);
  }

  get isResting(): boolean {
    return this.#heldUntilMs > this.#now();
  }

  /**
   * Waits until the store may be asked again.
   *
   * @throws The signal's reason when it aborts.
   */
  async rest(signal: AbortSignal): Promise<void> {
    for (let leftMs; (leftMs = this.#heldUntilMs - this.#now()) > 0;) {
      await sleep(leftMs, { signal });
    }
  }

  /** @throws The signal's reason when it aborts. */
  async turn(transaction: TransactionName, signal: AbortSignal): Promise<void> {
    // The turn of a client that has left would be lost.
    signal.throwIfAborted();
    if (this.#intervalMs === 0) return;
    const now = this.#now();
    const atMs = Math.max(now, this.#nextMs.get(transaction) ?? 0);
    this.#nextMs.set(transaction, atMs + this.#intervalMs);
    await sleep(atMs - now, { signal });
  }
}

/** Sends a GET; without a pace, at once and once. */
export async function getAtPace(
  exchange: StoreExchange,
  target: string,
  pace: Pace | undefined,
): Promise<Response> {
  for (let throttled = 0;; throttled++) {
    await pace?.turn(classify("GET", target).name, exchange.signal);
    const response = await get(exchange, target);
    exchange.proceed?.();
    const isThrottled = response.status === 429 || response.status === 503;
    if (pace === undefined || !isThrottled || throttled === MAX_THROTTLED) return response;
    await response.body?.cancel();
    const wantedMs = retryAfterMs(response.headers, Date.now()) ||
      THROTTLED_WAIT_MS * 2 ** throttled;
    await sleep(Math.min(wantedMs, LONGEST_THROTTLED_WAIT_MS), exchange);
  }
}
