/**
 * Translates URLs in an XML document as it streams by, only where the Native DICOM Model (PS3.19,
 * annex A) and WADL have them. It reads tags without parsing the document; comments, CDATA sections
 * and processing instructions are skipped. Encodings other than supersets of ASCII pass unchanged.
 */
import {
  AMPERSAND,
  EXCLAMATION_MARK,
  findByte,
  LESS_THAN,
  matchLength,
  QUESTION_MARK,
  SLASH,
} from "../ascii.ts";
import type { Bytes } from "../bytes.ts";
import { decodeLatin1 } from "../latin1.ts";
import { SteppedRewriter } from "./stepped_rewriter.ts";
import { URL_ATTRIBUTES } from "./url_attributes.ts";
import type { UrlTranslation } from "./url_translation.ts";
import { findAttribute, findTagEnd, readTagName } from "./xml_tag.ts";
import { decodeXmlText, encodeXmlText } from "./xml_text.ts";

/** Longer tags and texts contain no usable URL; in bytes. */
const MAX_HELD_BYTES = 16 * 1024;

/** Elements with a URL in an attribute. DICOM had `URI` before `uri` (CP-2032). */
const ELEMENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["BulkData", ["uri", "URI"]],
  // WADL, in which stores return their capabilities (PS3.18, section 8.9).
  ["resources", ["base"]],
]);

/** Sections that are skipped. */
const SECTIONS: readonly (readonly [start: string, end: string])[] = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
];

const NAMES: readonly string[] = ["DicomAttribute", "Value", ...ELEMENTS.keys()];
const TAG: readonly string[] = ["tag"];

export class XmlUrlRewriter extends SteppedRewriter {
  readonly #translation: UrlTranslation;
  readonly #resource: string | undefined;
  #state: "content" | "section" | "url" = "content";
  #sectionEnd = "";
  #isInUrlAttribute = false;

  /** @param options `resource`: what relative references are resolved against. */
  constructor(
    translation: UrlTranslation,
    options: { readonly resource?: string | undefined } = {},
  ) {
    super();
    this.#translation = translation;
    this.#resource = options.resource;
  }

  protected override step(input: Bytes, at: number): number {
    if (this.#state === "section") return this.#skipSection(input, at);
    let start = findByte(input, LESS_THAN, at);
    if (this.#state === "url") return this.#readUrl(input, at, start);
    while (start >= 0) {
      const next = this.#readMarkup(input, start);
      if (next !== start + 1) return next < 0 && start > at ? start : next;
      start = findByte(input, LESS_THAN, next);
    }
    return input.length;
  }

  #skipSection(input: Uint8Array, at: number): number {
    const found = find(input, this.#sectionEnd, at);
    const kept = this.#sectionEnd.length - 1;
    if (found < 0) return input.length - kept > at ? input.length - kept : -1;
    this.#state = "content";
    return found + this.#sectionEnd.length;
  }

  #readMarkup(input: Bytes, at: number): number {
    const second = input[at + 1];
    if (second === EXCLAMATION_MARK || second === QUESTION_MARK) {
      for (const [start, end] of SECTIONS) {
        if (matchLength(input, start, at) < start.length) continue;
        this.#state = "section";
        this.#sectionEnd = end;
        return at + start.length;
      }
    }
    if (second === LESS_THAN) return at + 1;
    // An incomplete start of a section reads like an incomplete name.
    const name = readTagName(input, at + 1, NAMES);
    if (name === undefined) return -1;
    // Attributes contain no raw `<`, so the next one is the next tag in any case.
    if (name === "") return at + 1;
    if (name === "/DicomAttribute") this.#isInUrlAttribute = false;
    const isOfInterest = name === "DicomAttribute" || name === "Value" && this.#isInUrlAttribute ||
      ELEMENTS.has(name);
    if (!isOfInterest) return at + 1;
    const end = findTagEnd(input, at + 1, Math.min(input.length, at + MAX_HELD_BYTES));
    if (end < 0) return input.length - at < MAX_HELD_BYTES ? -1 : at + 1;
    const isEmpty = input[end - 1] === SLASH;
    if (name === "Value") this.#state = isEmpty ? "content" : "url";
    else if (name === "DicomAttribute") {
      this.#isInUrlAttribute = !isEmpty && isUrlAttribute(input, at + 1, end);
    } else {
      const url = findAttribute(input, at + 1, end, ELEMENTS.get(name)!);
      if (url !== undefined) this.#rewrite(input, url.start, url.end);
    }
    return end + 1;
  }

  /** The text of a `Value` that is a URL, unless it contains markup. */
  #readUrl(input: Bytes, at: number, end: number): number {
    const isTooLong = (end < 0 ? input.length : end) - at >= MAX_HELD_BYTES;
    if (!isTooLong && (end < 0 || end + 1 === input.length)) return -1;
    this.#state = "content";
    if (isTooLong || input[end + 1] !== SLASH) return at;
    this.#rewrite(input, at, end);
    return end;
  }

  #rewrite(input: Bytes, start: number, end: number): void {
    const prefix = this.#translation.findPrefix(input, start, end);
    // The text after the prefix is unchanged, so it must not contain references.
    if (prefix !== undefined && !input.subarray(start, end).includes(AMPERSAND)) {
      return this.replace(start, start + prefix.fromBytes.length, prefix.toXmlBytes);
    }
    const text = decodeXmlText(input.subarray(start, end));
    const url = text?.trim();
    if (text === undefined || url === undefined) return;
    const translated = this.#translation.translate(url, this.#resource);
    if (translated === url) return;
    this.replace(start, end, encodeXmlText(text.replace(url, () => translated)));
  }
}

function isUrlAttribute(input: Uint8Array, start: number, end: number): boolean {
  const tag = findAttribute(input, start, end, TAG);
  return tag !== undefined &&
    URL_ATTRIBUTES.includes(decodeLatin1(input.subarray(tag.start, tag.end)).toUpperCase());
}

/** Returns the index of an ASCII text; -1 if it is not found. */
function find(input: Uint8Array, text: string, from: number): number {
  let at = input.indexOf(text.charCodeAt(0), from);
  while (at >= 0 && matchLength(input, text, at) < text.length) {
    at = input.indexOf(text.charCodeAt(0), at + 1);
  }
  return at;
}
