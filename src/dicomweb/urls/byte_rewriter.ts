/**
 * Rewrites bytes as they stream by. However the input is cut into chunks, the output is the same.
 */
import { type Bytes, type ByteStream, joinBytes } from "../bytes.ts";
import { BodyCheck, contentLength } from "../completeness/body_check.ts";
import { brokenAnswer, isChecked } from "../completeness/whole_body.ts";

/** Rewrites one body. */
export interface ByteRewriter {
  /** @param chunk Must not change afterwards. */
  push(chunk: Bytes, output: ByteSink): void;
  /** Called when nothing more arrives. */
  finish(output: ByteSink): void;
}

/** Collects bytes, and copies only what is not contiguous in memory. */
export class ByteSink {
  readonly #pieces: Bytes[] = [];

  /** @param bytes Must not change afterwards. */
  write(bytes: Bytes): void {
    if (bytes.length === 0) return;
    const last = this.#pieces.at(-1);
    if (last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      const length = last.length + bytes.length;
      this.#pieces[this.#pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, length);
    } else this.#pieces.push(bytes);
  }

  /** Returns what was collected since the last call; undefined if nothing was. */
  take(): Bytes | undefined {
    const pieces = this.#pieces.splice(0);
    return pieces.length < 2 ? pieces[0] : joinBytes(pieces);
  }
}

export function rewriteStream(rewriter: ByteRewriter): TransformStream<Bytes, Bytes> {
  const sink = new ByteSink();
  const passOn = (controller: TransformStreamDefaultController<Bytes>) => {
    const bytes = sink.take();
    if (bytes !== undefined) controller.enqueue(bytes);
  };
  return new TransformStream({
    transform(chunk, controller) {
      rewriter.push(chunk, sink);
      passOn(controller);
    },
    flush(controller) {
      rewriter.finish(sink);
      passOn(controller);
    },
  });
}

/** A body with a Content-Length up to this is read at once. */
const MAX_WHOLE_BYTES = 256 * 1024;
/** Sizes of the first reads, which are awaited: most bodies are one chunk and its end. */
const FIRST_READS_BYTES = [16 * 1024, 1024] as const;

export type RewritableMessage = Pick<Response, "headers" | "body" | "bytes">;

/**
 * Rewrites the body of a message: a short one as bytes, at a fraction of a stream's cost, a longer
 * one as a stream without read-ahead.
 *
 * @throws {GatewayError} NET-002 if the body is incomplete.
 * @throws What reading the beginning throws.
 */
export async function rewriteBody(
  message: RewritableMessage,
  rewriter: ByteRewriter,
): Promise<Bytes | ByteStream> {
  const sink = new ByteSink();
  const { headers } = message;
  const length = contentLength(headers);
  // To look at `body` would make a stream of bytes that are all there.
  const isShort = length !== undefined && length <= MAX_WHOLE_BYTES;
  const stream = isShort ? null : message.body;
  const check = stream !== null && isChecked(stream) ? undefined : new BodyCheck(headers);
  const push = (piece: Bytes) => {
    failBy(check?.push(piece));
    rewriter.push(piece, sink);
  };
  const finish = () => {
    failBy(check?.finish());
    rewriter.finish(sink);
  };
  if (isShort) {
    push(await message.bytes());
    finish();
    return sink.take() ?? new Uint8Array();
  }
  if (stream === null) return new Uint8Array();
  const reader = readerOf(stream);
  /** Returns whether the body has ended. */
  const take = async (bytes?: number): Promise<boolean> => {
    const piece = await reader.read(bytes);
    if (piece === undefined) finish();
    else push(piece);
    return piece === undefined;
  };
  for (const bytes of FIRST_READS_BYTES) {
    if (await take(bytes)) return sink.take() ?? new Uint8Array();
  }
  let ended = false;
  return new ReadableStream({
    async pull(controller) {
      let bytes = sink.take();
      while (bytes === undefined && !ended) {
        ended = await take();
        bytes = sink.take();
      }
      if (bytes === undefined) controller.close();
      else controller.enqueue(bytes);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function failBy(fault: string | undefined): void {
  if (fault !== undefined) throw brokenAnswer(fault);
}

const READ_BYTES = 64 * 1024;

interface BodyReader {
  /** Reads up to `bytes`, if the stream supports that; undefined at the end. */
  read(bytes?: number): Promise<Bytes | undefined>;
  cancel(reason: unknown): Promise<void>;
}

/** From the runtime's own bodies, short reads into a buffer of that size cost less. */
function readerOf(body: ByteStream): BodyReader {
  let own: ReadableStreamBYOBReader;
  try {
    own = body.getReader({ mode: "byob" });
  } catch {
    // A stream created in JavaScript.
    const reader = body.getReader();
    return {
      read: async () => (await reader.read()).value,
      cancel: (reason) => reader.cancel(reason),
    };
  }
  return {
    async read(bytes = READ_BYTES) {
      const { done, value } = await own.read(new Uint8Array(bytes));
      return done ? undefined : value;
    },
    cancel: (reason) => own.cancel(reason),
  };
}
