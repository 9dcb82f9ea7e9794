/**
 * Time and timers, replaceable in tests. There are two clocks: the wall clock jumps when it is set, the
 * monotonic one stops while the machine sleeps.
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some fixed moment; never goes back. */
  monotonic(): number;
  /**
   * Calls back once.
   *
   * @param options `background`: this timer alone keeps no process running.
   * @returns Cancels the timer.
   */
  after(delayMs: number, callback: () => void, options?: { background?: boolean }): () => void;
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(delayMs, callback, { background = false } = {}) {
    const timer = setTimeout(callback, delayMs);
    if (background) Deno.unrefTimer(timer);
    return () => clearTimeout(timer);
  },
};
