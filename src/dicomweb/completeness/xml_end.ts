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
  /** The two bytes before the next one, within the current markup. */
  #last = 0;
  #lastButOne = 0;
  /** Open declarations in the document type. */
  #nesting = 0;

  get isReached(): boolean {
    if (this.#place === "no XML") return true;
    return this.#place === "text" && this.#hasRoot && this.#depth === 0;
  }

  push(chunk: Bytes): void {
    for (let at = 0; at < chunk.length; at++) {
      if (this.#place === "text") {
        at = chunk.indexOf(LESS_THAN, at);
        if (at < 0) return;
        this.#enter("markup");
      } else if (this.#place === "no XML") return;
      else this.#step(chunk[at]!);
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
      case "end tag":
        if (byte !== GREATER_THAN) return;
        this.#depth--;
        return this.#enter("text");
      case "start tag":
        return this.#stepInTag(byte);
      case "document type":
        return this.#stepInDocumentType(byte);
      case "comment":
        return this.#leaveBy(byte, DASH, DASH);
      case "CDATA":
        return this.#leaveBy(byte, CLOSE_BRACKET, CLOSE_BRACKET);
      case "instruction":
        return this.#leaveBy(byte, this.#lastButOne, QUESTION_MARK);
    }
  }

  #stepInTag(byte: number): void {
    if (!this.#isInQuotes(byte) && byte === GREATER_THAN) {
      this.#hasRoot = true;
      if (this.#last !== SLASH) this.#depth++;
      return this.#enter("text");
    }
    this.#last = byte;
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

  /** Returns to the text at a `>` after two bytes. */
  #leaveBy(byte: number, lastButOne: number, last: number): void {
    if (byte === GREATER_THAN && this.#last === last && this.#lastButOne === lastButOne) {
      return this.#enter("text");
    }
    this.#lastButOne = this.#last;
    this.#last = byte;
  }
}
