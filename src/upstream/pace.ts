/**
 * Spreads the requests of all exchanges with one store over time, so that a quota of the store is not
 * exceeded by what the gateway makes of one request.
 *
 * @module
 */
import { sleep } from "../network/wait.ts";

/** Lets so many begin within a second, and the others wait their turn. */
export class Pace {
  readonly #intervalMs: number;
  readonly #now: () => number;
  #nextMs = 0;

  /**
   * @param perSecond How many may begin within a second; 0: any number.
   * @param now The monotonic clock, in milliseconds.
   */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#intervalMs = perSecond > 0 ? 1000 / perSecond : 0;
    this.#now = now;
  }

  /**
   * Waits for its turn.
   *
   * @throws The signal's reason when it aborts.
   */
  async turn(signal: AbortSignal): Promise<void> {
    // A turn of a client that has gone would be lost to the others.
    signal.throwIfAborted();
    if (this.#intervalMs === 0) return;
    const now = this.#now();
    const atMs = Math.max(now, this.#nextMs);
    this.#nextMs = atMs + this.#intervalMs;
    await sleep(atMs - now, { signal });
  }
}
