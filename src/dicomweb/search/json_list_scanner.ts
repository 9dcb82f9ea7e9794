/**
 * Splits a JSON array of objects (PS3.18, annex F: search results, metadata) into its elements, byte
 * for byte, while it arrives: only the element under way is held. What is no such array is an error.
 *
 * @module
 */

/** A body that is no JSON array of objects. */
export class JsonListError extends Error {
  override readonly name = "JsonListError";
}

/** Where in the array the scanner is. */
type Place = "before" | "first" | "after" | "next" | "end";

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** UTF-8's byte order mark, which some stores write. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** Splits one array. */
export class JsonListScanner {
  readonly #maxElementBytes: number;
  #place: Place = "before";
  /** How many braces and brackets are open within the element; 0: between elements. */
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  /** The element's bytes that came in earlier chunks. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #marked = 0;

  /** @param maxElementBytes How long one element may be. */
  constructor(maxElementBytes: number) {
    this.#maxElementBytes = maxElementBytes;
  }

  /** Whether nothing but white space has come. */
  get isBlank(): boolean {
    return this.#place === "before";
  }

  /** Whether the array's closing bracket has come. */
  get isComplete(): boolean {
    return this.#place === "end";
  }

  /**
   * Takes the next bytes.
   *
   * @param chunk The bytes; not changed, and not kept.
   * @returns The elements that end in them, each as the bytes it was written with.
   * @throws {JsonListError} For what is no array of objects, and for an element that is too long.
   *
   * @example
   * ```ts
   * import { JsonListScanner } from "./json_list_scanner.ts";
   * import assert from "node:assert/strict";
   *
   * const scanner = new JsonListScanner(1000);
   * const encoder = new TextEncoder();
   * assert.deepEqual(scanner.push(encoder.encode('[{"a":1},{"b"')).length, 1);
   * const [second] = scanner.push(encoder.encode(":2}]"));
   * assert.equal(new TextDecoder().decode(second), '{"b":2}');
   * assert.ok(scanner.isComplete);
   * ```
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

  /** Between elements: what may come, and where that leads. */
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

  /** Within an element: whether it ends here. */
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
    const element = new Uint8Array(this.#heldBytes + last.length);
    let at = 0;
    for (const piece of this.#held) {
      element.set(piece, at);
      at += piece.length;
    }
    element.set(last, at);
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

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
