/**
 * Decodes bodies in gzip (RFC 9110, section 8.4) as the runtime's `fetch` does, and lets others have
 * their turn: a small body may decode to a thousand times its size.
 *
 * @module
 */

/**
 * What is offered to servers. Not Brotli: 80 bytes of it may decode to 100 MB, and 2 KB to gigabytes, which
 * the runtime's decoder gives out in one piece.
 */
export const ACCEPTED_CODINGS = "gzip";

const GZIP: ReadonlySet<string> = new Set(["gzip", "x-gzip"]);

/** What is decoded in one go: at most a thousand times of it comes out. */
const SLICE_BYTES = 2 * 1024;
/** What comes out between two turns of the event loop. */
const TURN_BYTES = 512 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Finds the decoder of a response.
 *
 * @returns What decodes its body; undefined where it is not coded, or in a way that nobody asked for.
 */
export function contentDecoder(
  contentEncoding: string | undefined,
): ((body: ReadableStream<Bytes>) => ReadableStream<Bytes>) | undefined {
  if (!GZIP.has(contentEncoding?.trim().toLowerCase() ?? "")) return undefined;
  return (body) =>
    body
      .pipeThrough(new TransformStream<Bytes, Bytes>(slicer))
      .pipeThrough(new DecompressionStream("gzip"))
      .pipeThrough(new TransformStream<Bytes, Bytes>(turnTaker()));
}

const slicer: Transformer<Bytes, Bytes> = {
  transform(chunk, controller) {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      controller.enqueue(chunk.subarray(at, at + SLICE_BYTES));
    }
  },
};

function turnTaker(): Transformer<Bytes, Bytes> {
  let bytes = 0;
  return {
    transform(chunk, controller) {
      controller.enqueue(chunk);
      bytes += chunk.length;
      if (bytes < TURN_BYTES) return;
      bytes = 0;
      return new Promise((resolve) => setTimeout(resolve));
    },
  };
}
