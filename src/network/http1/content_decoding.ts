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

/** The bodies from which decoded ones are made. */
const IN_GZIP = new WeakMap<ReadableStream<Bytes>, ReadableStream<Bytes>>();

/** Whether a body is decoded from one that {@linkcode takeGzip} returns. */
export function isFromGzip(decoded: ReadableStream<Bytes>): boolean {
  return IN_GZIP.has(decoded);
}

/**
 * Takes the body in gzip from which this one would be decoded, to be read in its place; undefined if this
 * one was not decoded, or only its decoder would detect truncation.
 */
export function takeGzip(decoded: ReadableStream<Bytes>): ReadableStream<Bytes> | undefined {
  return IN_GZIP.get(decoded)?.pipeThrough(
    new TransformStream<Bytes, Bytes>(slicer(Infinity, true)),
  );
}

/**
 * The decoder of a response's body, which begins with the first read; undefined if it has no coding, or one
 * that was not accepted.
 *
 * @param options `mayBeEmpty`: whether a body without a byte is complete, not cut off; `hasEnd`: whether
 * the connection shows the end of the body.
 */
export function contentDecoder(
  contentEncoding: string | undefined,
  { mayBeEmpty, hasEnd }: { readonly mayBeEmpty: boolean; readonly hasEnd: boolean },
): ((body: ReadableStream<Bytes>) => ReadableStream<Bytes>) | undefined {
  if (!GZIP.has(contentEncoding?.trim().toLowerCase() ?? "")) return undefined;
  return (body) => {
    let reader: ReadableStreamDefaultReader<Bytes> | undefined;
    const begin = () =>
      body
        .pipeThrough(new TransformStream<Bytes, Bytes>(slicer(SLICE_BYTES, mayBeEmpty)))
        .pipeThrough(new TransformStream<Bytes, Bytes>(gunzip()))
        .pipeThrough(new TransformStream<Bytes, Bytes>(turnTaker()))
        .getReader();
    const decoded = new ReadableStream<Bytes>({
      async pull(controller) {
        const { done, value } = await (reader ??= begin()).read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader === undefined ? body.cancel(reason) : reader.cancel(reason),
    }, { highWaterMark: 0 });
    if (hasEnd) IN_GZIP.set(decoded, body);
    return decoded;
  };
}

/** Servers that compress by configuration also label empty bodies, which are then no gzip. */
function slicer(sliceBytes: number, mayBeEmpty: boolean): Transformer<Bytes, Bytes> {
  let isEmpty = true;
  return {
    transform(chunk, controller) {
      if (chunk.length > 0) isEmpty = false;
      for (let at = 0; at < chunk.length; at += sliceBytes) {
        controller.enqueue(chunk.subarray(at, at + sliceBytes));
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
