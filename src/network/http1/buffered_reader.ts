/**
 * Reads heads, lines and pieces of bodies of HTTP/1.1 responses from a transport, through one buffer.
 * Heads and lines beyond a limit are refused.
 */
import { MalformedResponseError } from "./response_head.ts";
import type { Transport } from "./transport.ts";

/** Room for most heads; it grows up to the limit. */
const BUFFER_BYTES = 16 * 1024;
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
const CR = 0x0d;

/** The connection ended before the response did. */
export class ClosedEarlyError extends Error {
  override readonly name = "ClosedEarlyError";

  /** @param where What was not read to its end. */
  constructor(where: string) {
    super(`connection closed before ${where}`);
  }
}

export class BufferedReader {
  readonly #transport: Transport;
  readonly #readBytes: number;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;
  /** A read into the empty buffer that has begun. */
  #begun: Promise<number | null> | undefined;

  constructor(transport: Transport) {
    this.#transport = transport;
    this.#readBytes = transport.handshake === undefined ? READ_BYTES : TLS_READ_BYTES;
  }

  get bufferedBytes(): number {
    return this.#end - this.#start;
  }

  /** Empties the buffer and begins a read, whose bytes the next head contains. */
  begin(): Promise<number | null> {
    this.#start = this.#end = 0;
    if (this.#buffer.length > BUFFER_BYTES) this.#buffer = new Uint8Array(BUFFER_BYTES);
    return this.#begun = this.#transport.read(this.#buffer);
  }

  /** What is buffered, else what one read returns; null at the end. */
  async some(maxBytes = this.#readBytes): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.bufferedBytes > 0) return this.take(Math.min(this.bufferedBytes, maxBytes));
    const piece = new Uint8Array(Math.min(maxBytes, this.#readBytes));
    const count = await this.#transport.read(piece);
    return count === null ? null : count === piece.length ? piece : piece.subarray(0, count);
  }

  /** Takes bytes that are buffered. */
  take(bytes: number): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.slice(this.#start, this.#start + bytes);
    this.#start += bytes;
    return taken;
  }

  /**
   * One line of the framing, without its end.
   *
   * @throws {ClosedEarlyError}
   * @throws {MalformedResponseError}
   */
  async line(): Promise<string> {
    for (let searched = 0;;) {
      const at = this.#buffer.subarray(0, this.#end).indexOf(LF, this.#start + searched);
      if (at >= 0) {
        const line = this.#buffer.subarray(this.#start, at);
        this.#start = at + 1;
        // No lenience: the CRLF shows that a chunk is as long as announced.
        if (line.at(-1) !== CR) throw new MalformedResponseError("a line does not end in CRLF");
        return String.fromCharCode(...line.subarray(0, -1));
      }
      searched = this.bufferedBytes;
      if (searched > MAX_LINE_BYTES) throw new MalformedResponseError("a line is too long");
      if (!await this.#fill()) throw new ClosedEarlyError("the end of the body");
    }
  }

  /**
   * The bytes of a head, up to and including the empty line.
   *
   * @throws {ClosedEarlyError}
   * @throws {MalformedResponseError} When it is longer than `maxBytes`.
   */
  async head(maxBytes: number): Promise<Uint8Array> {
    for (let searched = 0;;) {
      const buffered = this.#buffer.subarray(0, this.#end);
      for (;;) {
        const at = buffered.indexOf(LF, this.#start + searched);
        if (at < 0) break;
        const length = at + 1 - this.#start;
        searched = length;
        const before = length > 1 ? buffered[at - 1] : undefined;
        const isEmpty = before === LF || (before === CR && length > 2 && buffered[at - 2] === LF);
        if (!isEmpty) continue;
        const head = this.#buffer.subarray(this.#start, at + 1);
        this.#start = at + 1;
        return head;
      }
      if (this.bufferedBytes >= maxBytes) throw new MalformedResponseError("its head is too long");
      if (!await this.#fill()) throw new ClosedEarlyError("the response");
    }
  }

  /** Reads more into the buffer; false at the end. */
  async #fill(): Promise<boolean> {
    const begun = this.#begun;
    if (begun !== undefined) {
      this.#begun = undefined;
      const count = await begun;
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
