/**
 * Waits that a signal or a time limit ends.
 */
import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { type Clock, systemClock } from "./clock.ts";

/** @throws The signal's reason when it aborts. */
export async function sleep(
  delayMs: number,
  { signal, clock = systemClock }: {
    readonly signal?: AbortSignal;
    readonly clock?: Pick<Clock, "after">;
  } = {},
): Promise<void> {
  signal?.throwIfAborted();
  if (delayMs <= 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(delayMs, resolve);
  try {
    await (signal === undefined ? promise : abortable(promise, signal));
  } finally {
    cancel();
  }
}

/**
 * Waits for a promise until a signal aborts. The operation behind the promise continues.
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
 * Waits for an event of one of Node's sockets or requests, which is destroyed after a time limit.
 *
 * @param listen Listens for the events that settle the result.
 * @throws What `timeout` returns, or the error of the source.
 */
export async function settled<Result>(
  source: Pick<Socket | ClientRequest, "destroy" | "on">,
  timeoutMs: number,
  timeout: (timeoutMs: number) => Error,
  listen: (resolve: (result: Result) => void, reject: (error: Error) => void) => void,
): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const timer = setTimeout(() => source.destroy(timeout(timeoutMs)), timeoutMs);
  source.on("error", reject);
  listen(resolve, reject);
  return await promise.finally(() => clearTimeout(timer));
}

/**
 * The limit consists of this many timers in a row. A busy thread runs its overdue timers before it reads
 * what has arrived meanwhile: with one timer, a response that came in time would count as missing.
 */
const SLICES = 8;

/**
 * Waits for a promise up to a time limit, not counting the time for which this thread was busy. The
 * operation behind the promise continues.
 *
 * @throws What `timeout` returns, or what the promise is rejected with.
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
