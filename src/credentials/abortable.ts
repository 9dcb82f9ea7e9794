/**
 * Lets one of several waiters leave without disturbing what they wait for.
 *
 * @module
 */

/**
 * Waits for a promise until a signal aborts. The promise itself goes on.
 *
 * @param promise What is waited for.
 * @param signal Ends this wait.
 * @returns What the promise resolves to.
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
