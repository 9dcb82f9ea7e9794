/**
 * Uploads that can be read to their end by another reader. A store may answer before it has read an
 * upload; what sends it then cancels it, and the runtime closes a connection on which the client still
 * sends, which a client that is writing sees instead of the answer (RFC 9112, section 9.6).
 *
 * @module
 */

/** A body on its way. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** What resolves when an upload is released. */
const RELEASES = new WeakMap<Body, () => void>();

/**
 * Makes an upload one that its reader releases where it would cancel it.
 *
 * @returns Resolves when it is released.
 */
export function releaseOnCancel(upload: Body): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  RELEASES.set(upload, resolve);
  return promise;
}

/** Cancels a body, or releases it if it is an upload that is released. */
export function cancelOrRelease(
  body: Body,
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  reason: unknown,
): Promise<void> | void {
  const release = RELEASES.get(body);
  if (release === undefined) return reader.cancel(reason);
  reader.releaseLock();
  release();
}
