/**
 * Decodes bodies in gzip (RFC 9110, section 8.4) as the runtime's `fetch` does, but yields to other
 * requests: a small body may decode to a thousand times its size.
 */
import { createGunzip } from "node:zlib";
import { GatewayError } from "../../errors/gateway_error.ts";

/**
 * Not Brotli: 80 bytes of it may decode to 100 MB, and 2 KB to gigabytes, which the runtime's decoder
 * returns in one piece.
 */
export const ACCEPTED_CODINGS = "gzip";

const GZIP: ReadonlySet<string> = new Set(["gzip", "x-gzip"]);

/** Decoded in one go: the result is at most a thousand times as long. */
const SLICE_BYTES = 2 * 1024;
/** Output between two turns of the event loop. */
const TURN_BYTES = 512 * 1024;

type Bytes = Uint8Array<ArrayBuffer>;

/** Nothing, in gzip (RFC 1952, section 2.3). */
const EMPTY_MEMBER: Bytes = Uint8Array.from([
  0x1f,
  0x8b,
  8,
  0,
  0,
  0,
  0,
  0,
  0,
  3,
  3,
  ...Array(9).fill(0),
]);

/**
 * The decoder of a response's body; undefined if it has no coding, or one that was not accepted.
 *
 * @param mayBeEmpty Whether a body without a byte is complete, not cut off.
 */
export function contentDecoder(
  contentEncoding: string | undefined,
  mayBeEmpty: boolean,
): ((body: ReadableStream<Bytes>) => ReadableStream<Bytes>) | undefined {
  if (!GZIP.has(contentEncoding?.trim().toLowerCase() ?? "")) return undefined;
  return (body) =>
    body
      .pipeThrough(new TransformStream<Bytes, Bytes>(slicer(mayBeEmpty)))
      .pipeThrough(new TransformStream<Bytes, Bytes>(gunzip()))
      .pipeThrough(new TransformStream<Bytes, Bytes>(turnTaker()));
}

/** Servers that compress by configuration also label empty bodies, which are then no gzip. */
function slicer(mayBeEmpty: boolean): Transformer<Bytes, Bytes> {
  let isEmpty = true;
  return {
    transform(chunk, controller) {
      if (chunk.length > 0) isEmpty = false;
      for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
        controller.enqueue(chunk.subarray(at, at + SLICE_BYTES));
      }
    },
    flush(controller) {
      if (isEmpty && mayBeEmpty) controller.enqueue(EMPTY_MEMBER);
    },
  };
}

/** Unlike `DecompressionStream`, it reads several members (RFC 1952, section 2.2). */
function gunzip(): Transformer<Bytes, Bytes> {
  const decoder = createGunzip();
  // It may end before its input, with zeros behind the last member.
  const ended = new Promise<void>((resolve, reject) => {
    decoder.on("end", resolve).on("error", (cause: NodeJS.ErrnoException) => {
      reject(cause.code === "Z_DATA_ERROR" ? notGzip(cause) : cause);
    });
  });
  ended.catch(() => {});
  return {
    start: (controller) => void decoder.on("data", (bytes) => controller.enqueue(bytes)),
    transform: (chunk) =>
      Promise.race([ended, new Promise<void>((done) => decoder.write(chunk, () => done()))]),
    flush: () => (decoder.end(), ended),
    cancel: () => void decoder.destroy(),
  };
}

function notGzip(cause: unknown): GatewayError {
  return new GatewayError(
    "NET-002",
    "Cannot decode the answer: its Content-Encoding is gzip, and its bytes are not",
    { cause },
  );
}

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
