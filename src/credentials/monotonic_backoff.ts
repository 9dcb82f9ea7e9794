/**
 * When an open circuit is tried again, by a clock that nobody sets. cockatiel compares a backoff's
 * `duration` with the wall clock, which would keep a circuit open for as long as that is set back. So
 * the monotonic clock decides, and `duration` says never or now.
 *
 * @module
 */
import type { IBackoff } from "cockatiel";

/**
 * Makes a backoff of one length.
 *
 * @param monotonic The monotonic clock, in milliseconds.
 * @param timeoutMs How long a circuit stays open.
 * @returns What cockatiel takes as `halfOpenAfter.next()`.
 */
export function monotonicBackoff(monotonic: () => number, timeoutMs: number): IBackoff<unknown> {
  const untilMs = monotonic() + timeoutMs;
  return {
    get duration() {
      return monotonic() < untilMs ? Infinity : -Infinity;
    },
    next: () => monotonicBackoff(monotonic, timeoutMs),
  };
}
