/**
 * One HTTP/1.1 connection of a client: writes a request, reads the response's head and streams its body,
 * which counts as whole only when its framing says so. While it is idle, a read in progress notices that
 * the other side closes it.
 *
 * @module
 */
import {
  type BodyFraming,
  MalformedResponseError,
  parseResponseHead,
  type ResponseHead,
} from "./response_head.ts";
import type { Transport } from "./transport.ts";

/** Room for most heads; it grows up to the limit. */
const BUFFER_BYTES = 16 * 1024;
/** Longest head, interim responses included. */
const MAX_HEAD_BYTES = 256 * 1024;
/** Longest line of a chunk's size or of a trailer. */
const MAX_LINE_BYTES = 8 * 1024;
/** Maximum size of one read of a body over plain TCP. */
const READ_BYTES = 64 * 1024;
/**
 * The same over TLS, where the runtime returns one record a read, at most 16 KiB (RFC 8446, section
 * 5.1): the rest of a larger buffer would be zeroed and kept in memory unused.
 */
const TLS_READ_BYTES = 16 * 1024;

const LF = 0x0a;

/** The connection ended before the response did. */
class ClosedEarlyError extends Error {
  /** @param where Inside of what it ended. */
  constructor(where: string) {
    super(`connection closed before ${where}`);
    this.name = "ClosedEarlyError";
  }
}

/** Nothing of the request left this machine: it may be sent on another connection. */
export class UnsentError extends Error {
  /** @param cause What writing failed with. */
  constructor(cause: unknown) {
    super("connection closed before the request was sent", { cause });
    this.name = "UnsentError";
  }
}

/** A client's side of one connection. */
export class Http1Connection {
  readonly #transport: Transport;
  readonly #readBytes: number;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #isClosed = false;
  /** The read that waits while the connection is idle. */
  #idleRead: Promise<number | null> | undefined;
  #isIdle = false;

  /** @param transport What it runs over. */
  constructor(transport: Transport) {
    this.#transport = transport;
    this.#readBytes = transport.handshake === undefined ? READ_BYTES : TLS_READ_BYTES;
  }

  /**
   * Ends the idle time, for a request.
   *
   * @returns Whether it can serve one: it is open, and nothing came meanwhile.
   */
  claim(): boolean {
    if (!this.#isIdle || this.#isClosed) return false;
    this.#isIdle = false;
    this.#transport.ref();
    return true;
  }

  /** Begins to watch for the other side's end. Whatever comes while nothing was asked closes it. */
  becomeIdle(): void {
    this.#isIdle = true;
    this.#start = this.#end = 0;
    if (this.#buffer.length > BUFFER_BYTES) this.#buffer = new Uint8Array(BUFFER_BYTES);
    this.#idleRead = this.#transport.read(this.#buffer);
    this.#transport.unref();
    this.#idleRead.then(() => this.#isIdle && this.close(), () => this.close());
  }

  /**
   * Writes a request's head.
   *
   * @param head The head; there is no body.
   * @throws {UnsentError} When nothing of it was written.
   * @throws When a part of it was written.
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
   * Reads the head of the final response; interim ones are passed over (RFC 9110, section 15.2).
   *
   * @throws {ClosedEarlyError} When the connection ends before.
   * @throws {MalformedResponseError} When it cannot be understood.
   */
  async readHead(method: string): Promise<ResponseHead> {
    let total = 0;
    for (;;) {
      const bytes = await this.#readHeadBytes(MAX_HEAD_BYTES - total);
      total += bytes.length;
      const head = parseResponseHead(bytes, method);
      if (head.status >= 200 || head.status === 101) return head;
    }
  }

  /**
   * Opens the body behind the head that was read.
   *
   * @param options What aborts it; what is called once when it ended, with whether the connection can
   * serve another request.
   * @returns The body, as bytes where all of it came with the head; null when there is none.
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
    if (framing.kind === "length" && framing.bytes <= this.#end - this.#start) {
      const whole = this.#take(framing.bytes);
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

  /** Closes it; what is being read fails. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#transport.close();
  }

  /** Whether nothing came behind the response: what did would be read as the next one. */
  get #isDrained(): boolean {
    return this.#start === this.#end;
  }

  async *#pieces(framing: BodyFraming): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    if (framing.kind === "length") {
      yield* this.#exactly(framing.bytes, "the end of the body");
    } else if (framing.kind === "chunked") {
      yield* this.#chunks();
    } else if (framing.kind === "until-close") {
      let bytes = 0;
      for (let piece; (piece = await this.#some(this.#readBytes)) !== null; yield piece) {
        bytes += piece.length;
      }
      // Nothing else shows that it broke off.
      if (framing.bytes !== undefined && framing.bytes !== bytes) {
        throw new ClosedEarlyError("the end of the body");
      }
    }
  }

  async *#chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    for (;;) {
      const line = await this.#line();
      // An extension says nothing that matters here (RFC 9112, section 7.1.1).
      const size = /^([0-9a-fA-F]{1,13})[ \t]*(?:;|$)/.exec(line);
      if (size === null) throw new MalformedResponseError("a chunk's size cannot be read");
      const bytes = parseInt(size[1]!, 16);
      if (bytes === 0) break;
      yield* this.#exactly(bytes, "the end of a chunk");
      if (await this.#line() !== "") throw new MalformedResponseError("a chunk is too long");
    }
    for (let left = MAX_HEAD_BYTES;;) {
      const trailer = await this.#line();
      if (trailer === "") return;
      left -= trailer.length;
      if (left < 0) throw new MalformedResponseError("its trailers are too long");
    }
  }

  async *#exactly(bytes: number, end: string): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    for (let left = bytes; left > 0;) {
      const piece = await this.#some(Math.min(left, this.#readBytes));
      if (piece === null) throw new ClosedEarlyError(end);
      left -= piece.length;
      yield piece;
    }
  }

  /** What is buffered, or else what one read gives; null at the end. */
  async #some(most: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const buffered = this.#end - this.#start;
    if (buffered > 0) return this.#take(Math.min(buffered, most));
    const piece = new Uint8Array(most);
    const count = await this.#transport.read(piece);
    return count === null ? null : count === most ? piece : piece.subarray(0, count);
  }

  #take(bytes: number): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.slice(this.#start, this.#start + bytes);
    this.#start += bytes;
    return taken;
  }

  /** One line of the framing, without its end. */
  async #line(): Promise<string> {
    for (let searched = 0;;) {
      const at = this.#buffer.subarray(0, this.#end).indexOf(LF, this.#start + searched);
      if (at >= 0) {
        const line = this.#buffer.subarray(this.#start, at);
        this.#start = at + 1;
        // No lenience here: it is by its CRLF that a chunk shows to be as long as it said.
        if (line.at(-1) !== 0x0d) throw new MalformedResponseError("a line does not end in CRLF");
        return String.fromCharCode(...line.subarray(0, -1));
      }
      searched = this.#end - this.#start;
      if (searched > MAX_LINE_BYTES) throw new MalformedResponseError("a line is too long");
      if (!await this.#fill()) throw new ClosedEarlyError("the end of the body");
    }
  }

  /** The bytes up to and including the empty line that ends a head. */
  async #readHeadBytes(most: number): Promise<Uint8Array> {
    for (let searched = 0;;) {
      const buffered = this.#buffer.subarray(0, this.#end);
      for (;;) {
        const at = buffered.indexOf(LF, this.#start + searched);
        if (at < 0) break;
        const length = at + 1 - this.#start;
        searched = length;
        const before = length > 1 ? buffered[at - 1] : undefined;
        const isEmpty = before === LF || (before === 0x0d && length > 2 && buffered[at - 2] === LF);
        if (!isEmpty) continue;
        const head = this.#buffer.subarray(this.#start, at + 1);
        this.#start = at + 1;
        return head;
      }
      if (this.#end - this.#start >= most) throw new MalformedResponseError("its head is too long");
      if (!await this.#fill()) throw new ClosedEarlyError("the response");
    }
  }

  /** Reads more into the buffer; tells whether something came. */
  async #fill(): Promise<boolean> {
    const waiting = this.#idleRead;
    if (waiting !== undefined) {
      this.#idleRead = undefined;
      const count = await waiting;
      this.#end = count ?? 0;
      return count !== null;
    }
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#end === this.#buffer.length) {
      const larger = new Uint8Array(2 * this.#end);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    const count = await this.#transport.read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }
}
