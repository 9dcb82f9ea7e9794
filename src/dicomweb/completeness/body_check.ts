/**
 * Checks that a body is complete: of the length in `Content-Length`, and to the end of its content
 * if that is recognizable. It rejects shorter and longer bodies.
 */
import type { Bytes } from "../bytes.ts";
import { type ContentEnd, contentEnd } from "./content_end.ts";

/**
 * Whether a body is chunked, which shows its end and overrides a length (RFC 9112, section 6.3). A
 * body in another transfer coding ends with its connection.
 */
export function isChunked(headers: Headers): boolean {
  const coding = headers.get("transfer-encoding");
  return coding !== null && coding.trimEnd().toLowerCase().endsWith("chunked");
}

/** The length of a message's body in bytes, if its headers state it (RFC 9110, section 8.6). */
export function contentLength(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  if (length === null || isChunked(headers)) return undefined;
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/**
 * Whether headers show where a body ends, by length or chunks. Otherwise it ends with its HTTP/2
 * stream or HTTP/1.1 connection, and one that broke off looks complete.
 */
export function isFramed(headers: Headers): boolean {
  return contentLength(headers) !== undefined || isChunked(headers);
}

/** Checks one body as it streams by. */
export class BodyCheck {
  readonly #length: number | undefined;
  readonly #content: ContentEnd | undefined;
  readonly #isFramed: boolean;
  #received = 0;

  /**
   * @param options `isFramed`: whether the stream's end is known to be that of the body, even if it
   * is empty. `content`: recognizes the end of the content; by default selected by media type.
   */
  constructor(
    headers: Headers,
    options: { readonly isFramed?: boolean; readonly content?: ContentEnd | undefined } = {},
  ) {
    this.#length = contentLength(headers);
    // Part of a body (206) may have no recognizable end.
    const isPart = headers.has("content-range");
    this.#content = options.content ?? (isPart ? undefined : contentEnd(headers));
    this.#isFramed = options.isFramed ?? (this.#length !== undefined || isChunked(headers));
  }

  /** Whether the end can be recognized at all. */
  get canTell(): boolean {
    return this.#length !== undefined || this.#content !== undefined;
  }

  /**
   * Call before passing the bytes on: receivers end a body at the last byte of its length.
   *
   * @returns What is wrong, such as `it is longer than …`; undefined if nothing is so far.
   */
  push(chunk: Bytes): string | undefined {
    this.#received += chunk.length;
    this.#content?.push(chunk);
    const length = this.#length;
    if (length === undefined || this.#received < length) return undefined;
    if (this.#received === length) return this.finish();
    return `it is longer than its Content-Length of ${length} bytes`;
  }

  /**
   * To be called at the end.
   *
   * @returns What is missing, such as `it ended after 3 of 4 bytes`; undefined if complete.
   */
  finish(): string | undefined {
    const [received, length] = [this.#received, this.#length];
    if (length !== undefined && received < length) {
      return `it ended after ${received} of ${length} bytes`;
    }
    // An empty body with explicit framing is complete.
    if (received === 0 && this.#isFramed) return undefined;
    return this.#content === undefined || this.#content.isReached
      ? undefined
      : `it ended before ${this.#content.name}`;
  }
}
