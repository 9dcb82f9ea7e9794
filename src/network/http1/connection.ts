/**
 * One HTTP/1.1 connection of a client: writes a request, reads the response's head and streams its body,
 * which is complete only by its framing. While the connection is idle, a read in progress notices that
 * the other side closes it.
 */
import { BufferedReader, ClosedEarlyError } from "./buffered_reader.ts";
import {
  type BodyFraming,
  MalformedResponseError,
  parseResponseHead,
  type ResponseHead,
} from "./response_head.ts";
import type { Transport } from "./transport.ts";

/** Longest head, interim responses included; longest trailers. */
const MAX_HEAD_BYTES = 256 * 1024;

/** Nothing of the request left this machine: it may be sent on another connection. */
export class UnsentError extends Error {
  override readonly name = "UnsentError";

  /** @param cause What writing failed with. */
  constructor(cause: unknown) {
    super("connection closed before the request was sent", { cause });
  }
}

export class Http1Connection {
  readonly #transport: Transport;
  readonly #reader: BufferedReader;
  #isClosed = false;
  #isIdle = false;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#reader = new BufferedReader(transport);
  }

  /**
   * Ends the idle time, for a request.
   *
   * @returns Whether it can serve one: it is open, and nothing was received meanwhile.
   */
  claim(): boolean {
    if (!this.#isIdle || this.#isClosed) return false;
    this.#isIdle = false;
    this.#transport.ref();
    return true;
  }

  /** Begins to watch for the end of the connection. Bytes that nobody requested close it, too. */
  becomeIdle(): void {
    this.#isIdle = true;
    const read = this.#reader.begin();
    this.#transport.unref();
    read.then(() => this.#isIdle && this.close(), () => this.close());
  }

  /**
   * Writes the head of a request without a body.
   *
   * @throws {UnsentError} When nothing of it was written.
   * @throws The error of the transport when a part of it was written.
   */
  async writeHead(head: Uint8Array): Promise<void> {
    for (let sent = 0; sent < head.length;) {
      try {
        sent += await this.#transport.write(sent === 0 ? head : head.subarray(sent));
      } catch (error) {
        throw sent === 0 ? new UnsentError(error) : error;
      }
    }
  }

  /**
   * Reads the head of the final response, skipping interim ones (RFC 9110, section 15.2).
   *
   * @throws {ClosedEarlyError}
   * @throws {MalformedResponseError}
   */
  async readHead(method: string): Promise<ResponseHead> {
    let total = 0;
    for (;;) {
      const bytes = await this.#reader.head(MAX_HEAD_BYTES - total);
      total += bytes.length;
      const head = parseResponseHead(bytes, method);
      if (head.status >= 200 || head.status === 101) return head;
    }
  }

  /**
   * The body behind the head that was read, as bytes if all of it came with the head.
   *
   * @param options `onEnd` is called once, with whether the connection can serve another request.
   */
  body(
    framing: BodyFraming,
    { signal, onEnd }: {
      readonly signal?: AbortSignal | undefined;
      readonly onEnd: (isReusable: boolean) => void;
    },
  ): ReadableStream<Uint8Array<ArrayBuffer>> | Uint8Array<ArrayBuffer> | null {
    if (framing.kind === "none") {
      onEnd(this.#isDrained);
      return null;
    }
    if (framing.kind === "length" && framing.bytes <= this.#reader.bufferedBytes) {
      const whole = this.#reader.take(framing.bytes);
      onEnd(this.#isDrained);
      return whole;
    }
    const pieces = this.#pieces(framing);
    let abort: () => void;
    let hasEnded = false;
    const end = (isReusable: boolean) => {
      if (hasEnded) return;
      hasEnded = true;
      signal?.removeEventListener("abort", abort);
      onEnd(isReusable);
    };
    return new ReadableStream({
      start: (controller) => {
        abort = () => {
          end(false);
          controller.error(signal!.reason);
        };
        signal?.addEventListener("abort", abort, { once: true });
      },
      pull: async (controller) => {
        try {
          const { value, done } = await pieces.next();
          if (!done) return controller.enqueue(value);
          if (hasEnded) return;
          end(framing.kind !== "until-close" && this.#isDrained);
          controller.close();
        } catch (error) {
          if (hasEnded) return;
          end(false);
          throw error;
        }
      },
      cancel: () => end(false),
    }, { highWaterMark: 0 });
  }

  /** A read in progress fails. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
  }

  /** Whether nothing follows the response: it would be taken for the next one. */
  get #isDrained(): boolean {
    return this.#reader.bufferedBytes === 0;
  }

  async *#pieces(framing: BodyFraming): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    if (framing.kind === "length") {
      yield* this.#exactly(framing.bytes, "the end of the body");
    } else if (framing.kind === "chunked") {
      yield* this.#chunks();
    } else if (framing.kind === "until-close") {
      let bytes = 0;
      for (let piece; (piece = await this.#reader.some()) !== null; yield piece) {
        bytes += piece.length;
      }
      // Nothing else shows a truncation.
      if (framing.bytes !== undefined && framing.bytes !== bytes) {
        throw new ClosedEarlyError("the end of the body");
      }
    }
  }

  async *#chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    for (;;) {
      const line = await this.#reader.line();
      // Chunk extensions are ignored (RFC 9112, section 7.1.1).
      const size = /^([0-9a-fA-F]{1,13})[ \t]*(?:;|$)/.exec(line);
      if (size === null) throw new MalformedResponseError("a chunk's size cannot be read");
      const bytes = parseInt(size[1]!, 16);
      if (bytes === 0) break;
      yield* this.#exactly(bytes, "the end of a chunk");
      if (await this.#reader.line() !== "") throw new MalformedResponseError("a chunk is too long");
    }
    for (let left = MAX_HEAD_BYTES;;) {
      const trailer = await this.#reader.line();
      if (trailer === "") return;
      left -= trailer.length;
      if (left < 0) throw new MalformedResponseError("its trailers are too long");
    }
  }

  async *#exactly(bytes: number, end: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    for (let left = bytes; left > 0;) {
      const piece = await this.#reader.some(left);
      if (piece === null) throw new ClosedEarlyError(end);
      left -= piece.length;
      yield piece;
    }
  }
}
