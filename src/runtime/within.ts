/**
 * A limit for waits whose lateness is no error.
 */

/** The value of a promise, or `late` if it takes longer. The operation behind the promise continues. */
export async function within<T, Late>(
  limitMs: number,
  promise: Promise<T>,
  late: Late,
): Promise<T | Late> {
  const limit = Promise.withResolvers<Late>();
  const timer = setTimeout(() => limit.resolve(late), limitMs);
  try {
    return await Promise.race([promise, limit.promise]);
  } finally {
    clearTimeout(timer);
  }
}
