/**
 * Time and timers, so that tests can replace them: two clocks, because each alone can lie. The wall clock jumps
 * when it is set; the monotonic one stands still while the machine sleeps.
 *
 * @module
 */

/** Time and timers. */
export interface Clock {
  /** @returns Milliseconds since the epoch. */
  now(): number;
  /** @returns Milliseconds since some fixed moment; never goes back. */
  monotonic(): number;
  /**
   * Calls back once.
   *
   * @param options `background`: this timer alone keeps no process running.
   */
  after(delayMs: number, callback: () => void, options?: { background?: boolean }): () => void;
}

/** The clocks and timers of the runtime. */
export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(delayMs, callback, { background = false } = {}) {
    const timer = setTimeout(callback, delayMs);
    if (background) Deno.unrefTimer(timer);
    return () => clearTimeout(timer);
  },
};
