/**
 * Follows the tags of an XML document (XML 1.0, section 2) as it streams by, to recognize the end
 * of its root element. Comments, CDATA sections, processing instructions and the document type are
 * skipped. UTF-16 is not supported.
 */
import {
  APOSTROPHE,
  CLOSE_BRACKET,
  DASH,
  EXCLAMATION_MARK,
  findByte,
  GREATER_THAN,
  LESS_THAN,
  OPEN_BRACKET,
  QUESTION_MARK,
  QUOTE,
  SLASH,
} from "../ascii.ts";
import type { Bytes } from "../bytes.ts";
import { isBlank } from "./json_end.ts";

/** "markup" is after `<`, "declaration" after `<!`; "no XML" also means UTF-16. */
type Place =
  | "before"
  | "no XML"
  | "text"
  | "markup"
  | "start tag"
  | "end tag"
  | "declaration"
  | "comment"
  | "CDATA"
  | "instruction"
  | "document type";

export class XmlEnd {
  readonly name = "the end of its root element";
  #place: Place = "before";
  #depth = 0;
  #hasRoot = false;
  /** The quote that began an attribute value or a literal; 0 outside of them. */
  #quote = 0;
  /** The two bytes before the next one, within the current markup; kept for the next chunk. */
  #last = 0;
  #lastButOne = 0;
  /** Open declarations in the document type. */
  #nesting = 0;

  get isReached(): boolean {
    if (this.#place === "no XML") return true;
    return this.#place === "text" && this.#hasRoot && this.#depth === 0;
  }

  push(chunk: Bytes): void {
    let at = 0;
    while (at >= 0 && at < chunk.length) {
      switch (this.#place) {
        case "no XML":
          return;
        case "text":
          at = after(chunk, LESS_THAN, at);
          if (at > 0) this.#place = "markup";
          break;
        case "start tag":
          at = this.#readStartTag(chunk, at);
          break;
        case "end tag":
          at = after(chunk, GREATER_THAN, at);
          if (at > 0) {
            this.#depth--;
            this.#place = "text";
          }
          break;
        case "comment":
        case "CDATA":
        case "instruction":
          at = this.#skipSection(chunk, at);
          break;
        default:
          this.#step(chunk[at++]!);
      }
    }
  }

  #enter(place: Place): void {
    this.#place = place;
    this.#quote = this.#nesting = 0;
    this.#last = this.#lastButOne = 0;
  }

  #step(byte: number): void {
    switch (this.#place) {
      case "before":
        if (byte === LESS_THAN) this.#enter("markup");
        else if (!isBlank(byte)) this.#enter("no XML");
        return;
      case "markup":
        if (byte === SLASH) this.#enter("end tag");
        else if (byte === EXCLAMATION_MARK) this.#enter("declaration");
        else if (byte === QUESTION_MARK) this.#enter("instruction");
        // `<` in UTF-16.
        else this.#enter(byte === 0 ? "no XML" : "start tag");
        return;
      case "declaration":
        if (byte === DASH && this.#last === DASH) this.#enter("comment");
        else if (byte === OPEN_BRACKET) this.#enter("CDATA");
        else if (byte === DASH) this.#last = byte;
        else this.#enter("document type");
        return;
      case "document type":
        return this.#stepInDocumentType(byte);
    }
  }

  #readStartTag(chunk: Bytes, from: number): number {
    let [last, quote] = [this.#last, this.#quote];
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (quote !== 0) {
        if (byte === quote) quote = 0;
      } else if (byte === GREATER_THAN) {
        this.#hasRoot = true;
        if (last !== SLASH) this.#depth++;
        this.#enter("text");
        return at + 1;
      } else if (byte === QUOTE || byte === APOSTROPHE) quote = byte;
      last = byte;
    }
    [this.#last, this.#quote] = [last, quote];
    return chunk.length;
  }

  /** Returns to the text at a `>` after the two bytes that end the section. */
  #skipSection(chunk: Bytes, from: number): number {
    const end = after(chunk, GREATER_THAN, from);
    const stop = end < 0 ? chunk.length : end - 1;
    // Bytes of earlier chunks may be among the last two.
    if (stop - from >= 1) {
      this.#lastButOne = stop - from >= 2 ? chunk[stop - 2]! : this.#last;
      this.#last = chunk[stop - 1]!;
    }
    if (end < 0) return end;
    if (this.#endsSection()) this.#enter("text");
    else [this.#lastButOne, this.#last] = [this.#last, GREATER_THAN];
    return end;
  }

  #endsSection(): boolean {
    if (this.#place === "instruction") return this.#last === QUESTION_MARK;
    const byte = this.#place === "comment" ? DASH : CLOSE_BRACKET;
    return this.#last === byte && this.#lastButOne === byte;
  }

  #stepInDocumentType(byte: number): void {
    if (this.#isInQuotes(byte)) return;
    if (byte === LESS_THAN) this.#nesting++;
    else if (byte === GREATER_THAN && this.#nesting-- === 0) this.#enter("text");
  }

  /** Whether a byte is in quotes, or one of them. */
  #isInQuotes(byte: number): boolean {
    if (this.#quote !== 0) {
      if (byte === this.#quote) this.#quote = 0;
    } else if (byte === QUOTE || byte === APOSTROPHE) this.#quote = byte;
    else return false;
    return true;
  }
}

/** The index behind the next occurrence of a byte; -1 if there is none. */
function after(chunk: Bytes, byte: number, from: number): number {
  const at = findByte(chunk, byte, from);
  return at < 0 ? at : at + 1;
}
