/**
 * Compresses bodies with gzip in large pieces. The runtime's own compression of streams writes small ones,
 * each of which may wait 40 ms for the client's acknowledgement of the one before (Nagle's algorithm with
 * delayed acknowledgements), and compresses less.
 */
import { constants, createGzip, gzipSync } from "node:zlib";
import { type Bytes, type ByteStream, joinBytes } from "../dicomweb/bytes.ts";

const { Z_SYNC_FLUSH } = constants;

/** Compressed bytes that are sent at once, unless the source pauses. */
const PIECE_BYTES = 64 * 1024;
/** Bytes that are compressed at once: small writes take three times as long, large ones hold others up. */
const INPUT_BYTES = 64 * 1024;
/** A slow source's bytes wait no longer than this for more of them. */
const HOLD_MS = 100;

/** A body, and whether it is compressed. */
export interface CodedBody {
  readonly body: Bytes | ByteStream;
  readonly isCoded: boolean;
}

/**
 * Compresses a body, unless it has fewer than `minBytes`. What is ready within {@linkcode HOLD_MS} and fits
 * one piece is returned as bytes.
 *
 * @throws What reading the beginning throws. The stream fails, and never ends, if the body fails.
 */
export async function gzipBody(
  body: Bytes | ByteStream,
  { minBytes }: { readonly minBytes: number },
): Promise<CodedBody> {
  if (body instanceof Uint8Array && body.length <= INPUT_BYTES) return coded(body, minBytes);
  const source = new HeldSource(body instanceof Uint8Array ? new Blob([body]).stream() : body);
  const beginMs = performance.now();
  const beginning = await source.take(HOLD_MS);
  if (source.hasEnded && beginning.length <= INPUT_BYTES) return coded(beginning, minBytes);
  const gzip = new GzipPieces(source, beginning);
  const first = await gzip.next(HOLD_MS - (performance.now() - beginMs));
  if (gzip.hasEnded) return { body: first, isCoded: true };
  return { body: streamOf(gzip, first), isCoded: true };
}

function coded(bytes: Bytes, minBytes: number): CodedBody {
  const isCoded = bytes.length >= minBytes;
  return { body: isCoded ? new Uint8Array(gzipSync(bytes)) : bytes, isCoded };
}

function streamOf(gzip: GzipPieces, first: Bytes): ByteStream {
  let piece: Bytes | undefined = first;
  return new ReadableStream<Bytes>({
    async pull(controller) {
      while (piece === undefined || piece.length === 0) {
        if (gzip.hasEnded) return controller.close();
        piece = await gzip.next(HOLD_MS);
      }
      controller.enqueue(piece);
      piece = undefined;
    },
    cancel: (reason) => gzip.cancel(reason),
  }, { highWaterMark: 0 });
}

/** A source from which nothing is lost when waiting for it is given up. */
class HeldSource {
  hasEnded = false;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  #reading: Promise<ReadableStreamReadResult<Bytes>> | undefined;

  constructor(body: ByteStream) {
    this.#reader = body.getReader();
  }

  /** Reads until there are {@linkcode INPUT_BYTES}, the body ends, or the time is over. */
  async take(limitMs: number): Promise<Bytes> {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    const pieces: Bytes[] = [];
    try {
      for (let bytes = 0; bytes < INPUT_BYTES;) {
        this.#reading ??= this.#reader.read();
        const read = await Promise.race([this.#reading, over]);
        if (read === undefined) break;
        this.#reading = undefined;
        if (read.done) {
          this.hasEnded = true;
          break;
        }
        pieces.push(read.value);
        bytes += read.value.length;
      }
    } finally {
      clearTimeout(timer);
    }
    return pieces.length === 1 ? pieces[0]! : joinBytes(pieces);
  }

  cancel(reason: unknown): Promise<void> {
    return this.#reader.cancel(reason);
  }
}

/** The pieces of a compressed body. */
class GzipPieces {
  hasEnded = false;
  readonly #source: HeldSource;
  readonly #gzip = createGzip({ chunkSize: PIECE_BYTES });
  #input: Bytes;
  #output: Bytes[] = [];
  #outputBytes = 0;

  constructor(source: HeldSource, beginning: Bytes) {
    this.#source = source;
    this.#input = beginning;
    this.#gzip.on("data", (piece: Bytes) => {
      this.#output.push(piece);
      this.#outputBytes += piece.length;
    });
  }

  /** The next piece; an empty one if nothing was read in time. */
  async next(limitMs: number): Promise<Bytes> {
    const endMs = performance.now() + limitMs;
    try {
      let isFlushed = true;
      while (this.#outputBytes < PIECE_BYTES) {
        if (this.#input.length > 0) {
          const bytes = this.#input.subarray(0, INPUT_BYTES);
          this.#input = this.#input.subarray(INPUT_BYTES);
          await this.#done((done) => this.#gzip.write(bytes, done));
          isFlushed = false;
        } else if (this.#source.hasEnded) {
          await this.#done((done) => this.#gzip.once("end", done).end());
          this.hasEnded = true;
          break;
        } else {
          const leftMs = endMs - performance.now();
          if (leftMs > 0) this.#input = await this.#source.take(leftMs);
          else {
            if (!isFlushed) await this.#done((done) => this.#gzip.flush(Z_SYNC_FLUSH, done));
            break;
          }
        }
      }
    } catch (error) {
      this.#gzip.destroy();
      throw error;
    }
    const pieces = this.#output;
    this.#output = [];
    this.#outputBytes = 0;
    return joinBytes(pieces);
  }

  cancel(reason: unknown): Promise<void> {
    this.#gzip.destroy();
    return this.#source.cancel(reason);
  }

  #done(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => start((error) => error ? reject(error) : resolve()));
  }
}
