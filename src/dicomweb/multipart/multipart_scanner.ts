/**
 * Finds the parts in the bytes of a multipart body (RFC 2046, section 5.1.1) as they arrive in
 * chunks of any size, without copying content. It holds back only a possible start of a delimiter
 * and the header block of one part, up to a bound. Delimiters are whole lines: similar bytes are
 * content.
 */
import { CR, DASH, LF, SPACE, TAB } from "../ascii.ts";
import { type Bytes, joinBytes } from "../bytes.ts";
import { encodeLatin1 } from "../latin1.ts";
import { readPartHeaders } from "./part_headers.ts";

/** The body is malformed, truncated, or exceeds a bound. */
export class MultipartError extends Error {
  override readonly name = "MultipartError";
}

export type MultipartEvent =
  /** A part begins. `block` is its header block unchanged, with the empty line. */
  | { readonly kind: "headers"; readonly headers: Headers; readonly block: Bytes }
  /** Content of the part. */
  | { readonly kind: "data"; readonly bytes: Bytes }
  | { readonly kind: "part end" }
  /** The closing delimiter: what follows is ignored. */
  | { readonly kind: "end" }
  /** Nothing more before the next `push` or `finish`. */
  | { readonly kind: "need" };

const NEED: MultipartEvent = { kind: "need" };
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_PADDING_BYTES = 128;

// deno-lint-ignore no-control-regex -- all of Latin-1 but line ends
const BOUNDARY = /^[\x00-\x09\x0B\x0C\x0E-\xFF]{1,200}$/;

/** Whether a text can be a boundary. RFC 2046 allows 70 characters; 200 are accepted. */
export function isBoundary(text: string): boolean {
  return BOUNDARY.test(text);
}

/** What follows the boundary. */
type Tail = { readonly kind: "part" | "close"; readonly end: number } | "more" | "content";

/** Scans one multipart body: `push` bytes, then take `next` until it returns `need`. */
export class MultipartScanner {
  readonly #delimiter: Uint8Array;
  readonly #skip: Uint8Array;
  #state: "preamble" | "headers" | "body" | "end" = "preamble";
  /** The delimiter's own CRLF may be missing here: at the very start, and after a header block. */
  #atLineStart = true;
  #finished = false;
  #buffer: Bytes = new Uint8Array(0);
  #position = 0;
  /** Up to here {@linkcode taken} has returned what was scanned. */
  #mark = 0;
  /** Bytes of content that are not searched. */
  #unsearched = 0;

  /**
   * @param boundary Without quotes and leading dashes.
   * @throws {MultipartError} If it is no boundary.
   */
  constructor(boundary: string) {
    if (!isBoundary(boundary)) {
      throw new MultipartError(
        "Cannot read multipart body: the boundary is empty, too long or not Latin-1",
      );
    }
    this.#delimiter = encodeLatin1(`\r\n--${boundary}`);
    this.#skip = horspoolTable(this.#delimiter);
  }

  /** @param chunk Must not change afterwards. */
  push(chunk: Bytes): void {
    const held = this.#buffer.subarray(this.#position);
    this.#position = 0;
    this.#mark = 0;
    this.#buffer = held.length === 0 ? chunk : joinBytes([held, chunk]);
  }

  /**
   * Passes the next bytes of the part's content without searching them, which saves most of the
   * work if the part states its length. To be called when the part begins.
   */
  skip(bytes: number): void {
    this.#unsearched = bytes;
  }

  /** Whether the closing delimiter was found. */
  get isClosed(): boolean {
    return this.#state === "end";
  }

  /** Called when nothing more arrives. */
  finish(): void {
    this.#finished = true;
  }

  /**
   * The bytes scanned since the last call or the last `push`, unchanged: framing, headers and
   * content. Called after each event, it returns all bytes.
   *
   * @param withHeld Also return what is not scanned yet, and stop scanning.
   */
  taken(withHeld: boolean = false): Bytes {
    if (withHeld) this.#position = this.#buffer.length;
    const bytes = this.#buffer.subarray(this.#mark, this.#position);
    this.#mark = this.#position;
    return bytes;
  }

  /** @throws {MultipartError} If the body is malformed or ended before its closing delimiter. */
  next(): MultipartEvent {
    for (;;) {
      const event = this.#state === "end"
        ? this.#skipEpilogue()
        : this.#state === "headers"
        ? this.#nextHeaders()
        : this.#nextContent();
      if (event === NEED && this.#finished && this.#state !== "end") {
        throw new MultipartError(
          "Cannot read multipart body: it ended before its closing boundary",
        );
      }
      if (event !== undefined) return event;
    }
  }

  #skipEpilogue(): MultipartEvent {
    this.#position = this.#buffer.length;
    return this.#finished ? { kind: "end" } : NEED;
  }

  /** Content up to the next delimiter, or the delimiter itself; undefined to continue. */
  #nextContent(): MultipartEvent | undefined {
    if (this.#unsearched > 0) return this.#skipped();
    if (this.#atLineStart) {
      const tail = this.#delimiterAt(this.#position, 2);
      if (tail === "more") return NEED;
      this.#atLineStart = false;
      if (tail !== "content") return this.#pass(tail);
    }
    for (let from = this.#position;;) {
      const found = this.#find(from);
      if (found === this.#buffer.length) return this.#content(found);
      const tail = this.#delimiterAt(found, 0);
      if (tail === "content") from = found + 1;
      else if (found > this.#position) return this.#content(found);
      else return tail === "more" ? NEED : this.#pass(tail);
    }
  }

  #skipped(): MultipartEvent | undefined {
    const bytes = Math.min(this.#unsearched, this.#buffer.length - this.#position);
    this.#unsearched -= bytes;
    this.#atLineStart = false;
    return this.#content(this.#position + bytes);
  }

  #content(end: number): MultipartEvent | undefined {
    const bytes = this.#buffer.subarray(this.#position, end);
    this.#position = end;
    if (bytes.length === 0) return NEED;
    return this.#state === "body" ? { kind: "data", bytes } : undefined;
  }

  /** Moves past a delimiter. */
  #pass(tail: Exclude<Tail, string>): MultipartEvent | undefined {
    const inPart = this.#state === "body";
    this.#position = tail.end;
    this.#state = tail.kind === "close" ? "end" : "headers";
    return inPart ? { kind: "part end" } : undefined;
  }

  #nextHeaders(): MultipartEvent | undefined {
    for (let start = this.#position;;) {
      const end = this.#buffer.indexOf(LF, start);
      if ((end < 0 ? this.#buffer.length : end) - this.#position > MAX_HEADER_BYTES) {
        throw new MultipartError(
          `Cannot read multipart body: a part's headers exceed ${MAX_HEADER_BYTES} bytes`,
        );
      }
      if (end < 0) return NEED;
      if (end === start || end === start + 1 && this.#buffer[start] === CR) {
        const block = this.#buffer.subarray(this.#position, end + 1);
        const headers = headersOf(block);
        this.#position = end + 1;
        this.#state = "body";
        this.#atLineStart = true;
        return { kind: "headers", headers, block };
      }
      start = end + 1;
    }
  }

  /**
   * Index of the next delimiter, or of its possible start at the end of the buffer; the buffer's
   * length if there is none (Boyer, Moore and Horspool: mostly skips by the delimiter's length).
   */
  #find(from: number): number {
    const [buffer, delimiter, skip] = [this.#buffer, this.#delimiter, this.#skip];
    const last = delimiter.length - 1;
    let at = from;
    while (at + last < buffer.length) {
      const byte = buffer[at + last]!;
      if (byte === delimiter[last] && this.#matchLength(at, 0) > last) return at;
      at += skip[byte]!;
    }
    for (; at < buffer.length; at++) {
      if (buffer[at] === CR && at + this.#matchLength(at, 0) === buffer.length) return at;
    }
    return buffer.length;
  }

  /** How many bytes at an index equal the delimiter's, from its byte `skipped` on. */
  #matchLength(at: number, skipped: number): number {
    const size = Math.min(this.#delimiter.length - skipped, this.#buffer.length - at);
    let length = 0;
    while (length < size && this.#buffer[at + length] === this.#delimiter[skipped + length]) {
      length++;
    }
    return length;
  }

  /** Classifies what is at an index; the first `skipped` bytes of a delimiter may be missing. */
  #delimiterAt(at: number, skipped: number): Tail {
    const length = this.#matchLength(at, skipped);
    if (length < this.#delimiter.length - skipped) {
      return at + length === this.#buffer.length ? "more" : "content";
    }
    let end = at + length;
    if (this.#buffer[end] === DASH) {
      if (this.#buffer[end + 1] === DASH) return { kind: "close", end: end + 2 };
      return end + 1 === this.#buffer.length ? "more" : "content";
    }
    // White space may follow the boundary: "transport padding".
    while (this.#buffer[end] === SPACE || this.#buffer[end] === TAB) end++;
    if (end - at - length > MAX_PADDING_BYTES) return "content";
    if (this.#buffer[end] === LF) return { kind: "part", end: end + 1 };
    if (this.#buffer[end] === CR && this.#buffer[end + 1] === LF) {
      return { kind: "part", end: end + 2 };
    }
    if (this.#buffer[end] === CR && end + 1 === this.#buffer.length) return "more";
    return end === this.#buffer.length ? "more" : "content";
  }
}

/** Skips of a search by the byte at its window's end (Horspool), by byte. */
export function horspoolTable(needle: Uint8Array): Uint8Array {
  const skip = new Uint8Array(256).fill(needle.length);
  for (let i = 0; i < needle.length - 1; i++) skip[needle[i]!] = needle.length - 1 - i;
  return skip;
}

function headersOf(block: Uint8Array): Headers {
  try {
    return readPartHeaders(block);
  } catch (cause) {
    throw new MultipartError("Cannot read multipart body: a part has a broken header", { cause });
  }
}
