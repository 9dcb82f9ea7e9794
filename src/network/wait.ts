/**
 * Waits that a signal or a time limit ends.
 *
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";

/** What a wait may be given. */
export interface SleepOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** Whose timers; the runtime's unless given. */
  readonly clock?: Pick<Clock, "after">;
}

/**
 * Lets time pass.
 *
 * @throws The signal's reason when it aborts.
 */
export async function sleep(
  delayMs: number,
  { signal, clock = systemClock }: SleepOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  if (delayMs <= 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.after(delayMs, resolve);
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    cancel();
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * Waits for a promise that others wait for, too, until a signal aborts. The operation behind the promise
 * continues.
 *
 * @throws The signal's reason when it aborts first.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/**
 * The limit is made of so many timers, one after the other. A thread that was busy past its timers
 * runs them before it reads what has arrived meanwhile: with one timer, an answer that came in time
 * would count as none.
 */
const SLICES = 8;

/**
 * Waits for a promise, but not longer than a limit, not counting the time for which this thread was
 * busy with other things. The operation behind the promise continues unobserved.
 *
 * @param timeout Makes the error for when it takes longer.
 * @param clock Whose timers; the runtime's unless given.
 * @throws What `timeout` makes, or what the promise is rejected with.
 */
export function limited<T>(
  promise: Promise<T>,
  limitMs: number,
  timeout: () => Error,
  clock: Pick<Clock, "after"> = systemClock,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = SLICES;
    let cancel = () => {};
    function next(): void {
      if (left-- === 0) reject(timeout());
      else cancel = clock.after(limitMs / SLICES, next);
    }
    next();
    promise.then(resolve, reject).finally(() => cancel());
  });
}
