/**
 * Gathers a short body, so that it is sent in one piece with its length. The runtime's server does not
 * disable Nagle's algorithm: after each small piece, the next one waits for the client's acknowledgement, up to
 * 40 ms, which every image of a viewer would take longer.
 */
import { joinBytes } from "../dicomweb/bytes.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** A frame of 512 × 512 pixels has half of that. */
export const MAX_GATHERED_BYTES = 1024 * 1024;
/** A body that takes longer is streamed. */
const LONGEST_MS = 250;

/** @returns The bytes; all of it as a stream if it is long, slow, or breaks off. */
export async function gatherShort(
  body: ReadableStream<Chunk>,
): Promise<Chunk | ReadableStream<Chunk>> {
  const reader = body.getReader();
  const chunks: Chunk[] = [];
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), LONGEST_MS);
  let bytes = 0;
  let next = reader.read();
  try {
    while (bytes <= MAX_GATHERED_BYTES) {
      const read = await Promise.race([next, late.promise]);
      if (read === "late") break;
      if (read.done) return joinBytes(chunks);
      bytes += read.value.length;
      chunks.push(read.value);
      next = reader.read();
    }
  } catch {
    // The stream fails at the same place.
  } finally {
    clearTimeout(timer);
  }
  next.catch(() => {});
  return new ReadableStream<Chunk>({
    async pull(controller) {
      const chunk = chunks.shift();
      if (chunk !== undefined) return controller.enqueue(chunk);
      const { done, value } = await next;
      if (done) return controller.close();
      controller.enqueue(value);
      next = reader.read();
      next.catch(() => {});
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
