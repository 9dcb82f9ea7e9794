/**
 * Checks that a body is whole: as long as its `Content-Length`, and at the end of its content where that
 * has one. It refuses a body that ends before, and one that is longer.
 *
 * @module
 */
import { type ContentEnd, contentEnd } from "./content_end.ts";

/**
 * Whether a body comes in chunks, which show where it ends and count more than a length beside them (RFC
 * 9112, section 6.3). A body in another transfer coding ends with its connection.
 */
export function isChunked(headers: Headers): boolean {
  const coding = headers.get("transfer-encoding");
  return coding !== null && coding.trimEnd().toLowerCase().endsWith("chunked");
}

/**
 * The length of a message's body, where its headers tell it (RFC 9110, section 8.6).
 *
 * @returns Bytes; nothing where it is not told.
 */
export function contentLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  if (length === null || isChunked(headers)) return undefined;
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/**
 * Whether headers show where a body ends: without them it ends with its stream over HTTP/2 or with its
 * connection over HTTP/1.1, and a body that broke off looks like one that has ended.
 *
 * @returns Whether they tell its length or that it comes in chunks, which have an end.
 */
export function isFramed(headers: Headers): boolean {
  return contentLength(headers) !== undefined || isChunked(headers);
}

/** What is known of a body beyond the headers of its message. */
export interface BodyCheckOptions {
  /** Whether the end of the stream is known to be that of the body, were it empty. */
  readonly isFramed?: boolean;
  /** What recognizes the end of the content; by its media type unless given. */
  readonly content?: ContentEnd | undefined;
}

/** Checks one body as it passes. */
export class BodyCheck {
  readonly #length: number | undefined;
  readonly #content: ContentEnd | undefined;
  readonly #isFramed: boolean;
  #received = 0;

  /**
   * @param headers The headers of the body's message.
   * @param options What is known beyond the headers.
   */
  constructor(headers: Headers, { isFramed: framed, content }: BodyCheckOptions = {}) {
    this.#length = contentLength(headers);
    // A part of a body (206) has the ends of the parts, if at all.
    const isPart = headers.has("content-range");
    this.#content = content ?? (isPart ? undefined : contentEnd(headers));
    this.#isFramed = framed ?? (this.#length !== undefined || isChunked(headers));
  }

  /** Whether there is anything by which the end can be known. */
  get canTell(): boolean {
    return this.#length !== undefined || this.#content !== undefined;
  }

  /**
   * Takes the next bytes. To be asked before they are passed on: who counts takes the last byte of a
   * length for the end.
   *
   * @param chunk The bytes.
   * @returns What is wrong with the body, such as `it is longer than …`; nothing where nothing is so far.
   */
  push(chunk: Uint8Array<ArrayBuffer>): string | undefined {
    this.#received += chunk.length;
    this.#content?.push(chunk);
    const length = this.#length;
    if (length === undefined || this.#received < length) return undefined;
    if (this.#received === length) return this.finish();
    return `it is longer than its Content-Length of ${length} bytes`;
  }

  /**
   * Tells that nothing more comes.
   *
   * @returns What is missing, such as `it ended after 3 of 4 bytes`; nothing where the body is whole.
   */
  finish(): string | undefined {
    const [received, length] = [this.#received, this.#length];
    if (length !== undefined && received < length) {
      return `it ended after ${received} of ${length} bytes`;
    }
    // An empty body that is framed as such has nothing to end.
    if (received === 0 && this.#isFramed) return undefined;
    return this.#content === undefined || this.#content.isReached
      ? undefined
      : `it ended before ${this.#content.name}`;
  }
}
