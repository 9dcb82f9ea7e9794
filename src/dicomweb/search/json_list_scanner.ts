/**
 * Splits a JSON array of objects (PS3.18, annex F: search results, metadata) into its elements,
 * byte for byte, as it streams by; it holds one element at most. Other JSON is an error.
 */
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  isSpace,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "../ascii.ts";
import { joinBytes } from "../bytes.ts";

export class JsonListError extends Error {
  override readonly name = "JsonListError";
}

type Place = "before" | "first" | "after" | "next" | "end";

/** UTF-8's byte order mark, which some stores write. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];

export class JsonListScanner {
  readonly #maxElementBytes: number;
  #place: Place = "before";
  /** Open braces and brackets in the element; 0: between elements. */
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  /** The element's bytes from earlier chunks. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #marked = 0;

  constructor(maxElementBytes: number) {
    this.#maxElementBytes = maxElementBytes;
  }

  /** Whether only white space was received. */
  get isBlank(): boolean {
    return this.#place === "before";
  }

  /** Whether the array's closing bracket was received. */
  get isComplete(): boolean {
    return this.#place === "end";
  }

  /**
   * Returns the elements that end in a chunk, which is neither changed nor kept.
   *
   * @throws {JsonListError} If the JSON is no array of objects or an element is too long.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const elements: Uint8Array[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#depth === 0) {
        if (!isSpace(byte)) this.#between(byte);
        start = at;
      } else if (this.#inElement(byte)) {
        elements.push(this.#taken(chunk.subarray(start, at + 1)));
      }
    }
    if (this.#depth > 0) {
      this.#heldBytes += chunk.length - start;
      this.#checkLength(this.#heldBytes);
      this.#held.push(chunk.slice(start));
    }
    return elements;
  }

  #between(byte: number): void {
    const place = this.#place;
    if (place === "before") {
      if (byte === OPEN_BRACKET) this.#place = "first";
      else if (byte !== MARK[this.#marked++]) throw new JsonListError("it is no JSON array");
    } else if (byte === OPEN_BRACE && (place === "first" || place === "next")) {
      this.#depth = 1;
    } else if (byte === CLOSE_BRACKET && (place === "first" || place === "after")) {
      this.#place = "end";
    } else if (byte === COMMA && place === "after") {
      this.#place = "next";
    } else {
      throw new JsonListError("it is no JSON array of objects");
    }
  }

  /** Returns whether the element ends here. */
  #inElement(byte: number): boolean {
    if (this.#inString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#inString = false;
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) return --this.#depth === 0;
    return false;
  }

  #taken(last: Uint8Array): Uint8Array {
    this.#place = "after";
    this.#checkLength(this.#heldBytes + last.length);
    const element = joinBytes([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    return element;
  }

  #checkLength(bytes: number): void {
    if (bytes > this.#maxElementBytes) {
      throw new JsonListError(`an element exceeds ${this.#maxElementBytes} bytes`);
    }
  }
}
