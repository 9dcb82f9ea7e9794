/**
 * Time as the token manager sees it: two clocks, because each alone can lie. The wall clock jumps
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
   * @param delayMs After how long.
   * @param callback What to call.
   * @param options `background`: this timer alone keeps no process running.
   * @returns A function that cancels it.
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

/**
 * Waits.
 *
 * @param clock Whose time.
 * @param delayMs How long.
 * @param signal Ends the wait early.
 * @throws The signal's reason when it aborts.
 */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
