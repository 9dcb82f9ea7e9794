/**
 * What rewrites bytes as they pass: it takes them in pieces of any size and gives the same bytes
 * out however they were cut.
 *
 * @module
 */
import { BodyCheck, contentLength } from "../completeness/body_check.ts";
import { brokenAnswer, isChecked } from "../completeness/whole_body.ts";

/** Rewrites one body. */
export interface ByteRewriter {
  /**
   * Takes bytes that arrived.
   *
   * @param chunk The bytes; they must not change afterwards.
   * @param output Takes what can be passed on.
   */
  push(chunk: Uint8Array<ArrayBuffer>, output: ByteSink): void;
  /** Tells that nothing more arrives. */
  finish(output: ByteSink): void;
}

/** Gathers pieces, and copies only where they do not lie side by side already. */
export class ByteSink {
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];

  /**
   * Takes a piece.
   *
   * @param bytes The piece; it must not change afterwards.
   */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    const last = this.#pieces.at(-1);
    if (last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      const length = last.length + bytes.length;
      this.#pieces[this.#pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, length);
    } else this.#pieces.push(bytes);
  }

  /**
   * Gives what was gathered, and forgets it.
   *
   * @returns The bytes, or nothing where there are none.
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const pieces = this.#pieces.splice(0);
    if (pieces.length < 2) return pieces[0];
    const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}

/**
 * Makes a stream of a rewriter.
 *
 * @param rewriter The rewriter, which serves this one body.
 * @returns A stream that gives what the rewriter makes of what it is given.
 */
export function rewriteStream(
  rewriter: ByteRewriter,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const sink = new ByteSink();
  const passOn = (controller: TransformStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
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

/** A body that tells its length and is no longer than this is read whole, in one step. */
const MAX_WHOLE_BYTES = 256 * 1024;
/** How much the reads of a body take that are waited for: most answers are one piece, and its end. */
const FIRST_READS_BYTES = [16 * 1024, 1024] as const;

/** The part of a `Response` that is rewritten. */
export type RewritableMessage = Pick<Response, "headers" | "body" | "bytes">;

/**
 * Rewrites the body of a message. Where it is short, the whole of it is given as bytes, which costs a
 * fraction of what a stream costs; else a stream that is read as fast as the reader takes it.
 *
 * @param message The message, as it came: what it tells of its length holds for its body.
 * @param rewriter The rewriter, which serves this one body.
 * @returns What the rewriter makes of it.
 * @throws {GatewayError} NET-002 when the body is not whole.
 * @throws What reading the beginning throws.
 */
export async function rewriteBody(
  message: RewritableMessage,
  rewriter: ByteRewriter,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>> {
  const sink = new ByteSink();
  const { headers } = message;
  const length = contentLength(headers);
  // To look at `body` would make a stream of bytes that are all there.
  const isShort = length !== undefined && length <= MAX_WHOLE_BYTES;
  const stream = isShort ? null : message.body;
  const check = stream !== null && isChecked(stream) ? undefined : new BodyCheck(headers);
  const push = (piece: Uint8Array<ArrayBuffer>) => {
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
  /** @returns Whether the body has ended. */
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

/** How much a read of a long body takes. */
const READ_BYTES = 64 * 1024;

/** Reads a body piece by piece. */
interface BodyReader {
  /**
   * Reads a piece.
   *
   * @param bytes How long it may be, where that can be chosen.
   * @returns The piece; nothing at the end.
   */
  read(bytes?: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  cancel(reason: unknown): Promise<void>;
}

/** The runtime's own bodies give short pieces at less cost to who brings a short buffer. */
function readerOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): BodyReader {
  let own: ReadableStreamBYOBReader;
  try {
    own = body.getReader({ mode: "byob" });
  } catch {
    // A stream made by a program: its pieces have the size they have.
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
