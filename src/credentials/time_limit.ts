/**
 * Bounds a wait for something that cannot be aborted.
 *
 * @module
 */

/**
 * Waits for a promise, but not longer than a limit. What it stands for goes on unseen.
 *
 * @param promise What is waited for.
 * @param limitMs How long at most.
 * @param timeout Makes the error for when it takes longer.
 * @returns What the promise resolves to.
 * @throws What `timeout` makes, or what the promise is rejected with.
 */
export function limited<T>(
  promise: Promise<T>,
  limitMs: number,
  timeout: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timeout()), limitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
