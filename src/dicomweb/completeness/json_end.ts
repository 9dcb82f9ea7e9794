/**
 * Counts the brackets of a JSON text (RFC 8259) as it streams by, to recognize the last one.
 */
import { BACKSLASH, CLOSE_BRACE, isSpace, OPEN_BRACE, QUOTE } from "../ascii.ts";
import type { Bytes } from "../bytes.ts";

/** `[` and `{`, and `]` and `}`, differ in this bit alone. */
const CASE = 0x20;
const BEFORE_BRACKETS = 0x5a;

export class JsonEnd {
  readonly name = "its last bracket";
  #depth = 0;
  #state: "outside" | "string" | "escape" = "outside";
  #start: "before" | "after" | "no JSON" = "before";

  get isReached(): boolean {
    if (this.#start !== "after") return this.#start === "no JSON";
    return this.#depth === 0 && this.#state === "outside";
  }

  push(chunk: Bytes): void {
    let at = this.#start === "before" ? this.#findStart(chunk) : 0;
    const end = chunk.length;
    if (this.#start !== "after" || end === 0) return;
    if (this.#state === "escape") {
      at++;
      this.#state = "string";
    }
    let depth = this.#depth;
    let isInString = this.#state === "string";
    while (at < end) {
      let byte = 0;
      if (isInString) {
        while (at < end && (byte = chunk[at]!) !== QUOTE && byte !== BACKSLASH) at++;
        if (at === end) break;
        if (byte === QUOTE) isInString = false;
        at += byte === QUOTE ? 1 : 2;
      } else {
        while (at < end && (byte = chunk[at]!) !== QUOTE) {
          if (byte > BEFORE_BRACKETS) {
            if ((byte | CASE) === OPEN_BRACE) depth++;
            else if ((byte | CASE) === CLOSE_BRACE) depth--;
          }
          at++;
        }
        if (at === end) break;
        isInString = true;
        at++;
      }
    }
    this.#depth = depth;
    this.#state = !isInString ? "outside" : at > end ? "escape" : "string";
  }

  /** Skips white space and the byte order mark. */
  #findStart(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (isBlank(byte)) continue;
      // Numbers, `true`, `false` and `null` have no recognizable end; and errors are sent as plain
      // text.
      this.#start = byte === QUOTE || (byte | CASE) === OPEN_BRACE ? "after" : "no JSON";
      return at;
    }
    return chunk.length;
  }
}

/** Whether a byte may precede a document: white space, or one of the byte order mark in UTF-8. */
export function isBlank(byte: number): boolean {
  return isSpace(byte) || byte === 0xef || byte === 0xbb || byte === 0xbf;
}
