/**
 * Uploads that another reader can finish. A store may respond before it has read an upload, which
 * the sender then cancels; the runtime closes a connection on which the client is still sending, so
 * that a client that is writing sees the closed connection instead of the response (RFC 9112,
 * section 9.6).
 */
import type { Bytes, ByteStream } from "../bytes.ts";

/** Resolves the promise of a released upload. */
const RELEASES = new WeakMap<ByteStream, () => void>();

/** Makes readers of an upload release it instead of canceling it; resolves when it is released. */
export function releaseOnCancel(upload: ByteStream): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  RELEASES.set(upload, resolve);
  return promise;
}

/** Cancels a body, or releases it after {@linkcode releaseOnCancel}. */
export function cancelOrRelease(
  body: ByteStream,
  reader: ReadableStreamDefaultReader<Bytes>,
  reason: unknown,
): Promise<void> | void {
  const release = RELEASES.get(body);
  if (release === undefined) return reader.cancel(reason);
  reader.releaseLock();
  release();
}
