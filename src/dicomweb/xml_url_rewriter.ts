/**
 * Translates URLs in an XML document as it streams by, where the Native DICOM Model (PS3.19, annex A)
 * and WADL have them and nowhere else. It reads tags, not the document: comments,
 * CDATA sections and processing instructions are passed over. A document that is not in UTF-8 or
 * another encoding that holds ASCII passes as it is.
 *
 * @module
 */
import { type ByteRewriter, type ByteSink, rewriteStream } from "./byte_rewriter.ts";
import { decodeLatin1 } from "./latin1.ts";
import { URL_ATTRIBUTES } from "./url_attributes.ts";
import type { UrlTranslation } from "./url_translation.ts";
import { decodeXmlText, encodeXmlText } from "./xml_text.ts";

/** What a rewriter is told about a document. */
export interface XmlUrlRewriterOptions {
  /** Path below the base URL, and query, of the resource; relative references are read against it. */
  readonly resource?: string;
}

/** Longer tags and texts hold no URL that anyone could ask for; in bytes. */
const MAX_HELD_BYTES = 16 * 1024;
const MAX_NAME_BYTES = 64;

/** Elements that bear a URL in an attribute. DICOM had `URI` before it had `uri` (CP-2032). */
const ELEMENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["BulkData", ["uri", "URI"]],
  // WADL, which stores answer with when asked for their capabilities (PS3.18, section 8.9).
  ["resources", ["base"]],
]);

/** What begins with `<!` or `<?` and ends where its end is found. */
const SECTIONS: readonly (readonly [start: string, end: string])[] = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
];

const SPACE = 0x20;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const COLON = 0x3a;
const LESS_THAN = 0x3c;
const GREATER_THAN = 0x3e;

/** Translates the URLs of one document. */
export class XmlUrlRewriter implements ByteRewriter {
  readonly #translation: UrlTranslation;
  readonly #resource: string | undefined;
  #state: "content" | "section" | "url" = "content";
  #sectionEnd = "";
  #isInUrlAttribute = false;
  #held: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** How far the input at hand has been passed on. */
  #copied = 0;

  /**
   * Makes a rewriter for one document.
   *
   * @param translation What translates the URLs.
   * @param options The resource.
   */
  constructor(translation: UrlTranslation, options: XmlUrlRewriterOptions = {}) {
    this.#translation = translation;
    this.#resource = options.resource;
  }

  /** @inheritdoc */
  push(chunk: Uint8Array<ArrayBuffer>, output: ByteSink): void {
    let input = chunk;
    if (this.#held.length > 0) {
      input = new Uint8Array(this.#held.length + chunk.length);
      input.set(this.#held);
      input.set(chunk, this.#held.length);
    }
    let at = 0;
    this.#copied = 0;
    while (at < input.length) {
      const next = this.#step(input, at, output);
      if (next < 0) break;
      at = next;
    }
    output.write(input.subarray(this.#copied, at));
    this.#held = input.slice(at);
  }

  /** @inheritdoc */
  finish(output: ByteSink): void {
    output.write(this.#held);
    this.#held = new Uint8Array(0);
  }

  /** Goes on from a position; gives the next one, or -1 where more input is needed. */
  #step(input: Uint8Array<ArrayBuffer>, at: number, output: ByteSink): number {
    if (this.#state === "section") return this.#skipSection(input, at);
    const end = input.indexOf(LESS_THAN, at);
    if (this.#state === "url") return this.#readUrl(input, at, end, output);
    if (end < 0) return input.length;
    return end > at ? end : this.#readMarkup(input, at, output);
  }

  #skipSection(input: Uint8Array, at: number): number {
    const found = find(input, this.#sectionEnd, at);
    const kept = this.#sectionEnd.length - 1;
    if (found < 0) return input.length - kept > at ? input.length - kept : -1;
    this.#state = "content";
    return found + this.#sectionEnd.length;
  }

  #readMarkup(input: Uint8Array<ArrayBuffer>, at: number, output: ByteSink): number {
    for (const [start, end] of SECTIONS) {
      const length = matchLength(input, start, at);
      if (length < start.length) continue;
      this.#state = "section";
      this.#sectionEnd = end;
      return at + length;
    }
    // What may become a section reads like a name that is cut off.
    const name = readName(input, at + 1);
    if (name === undefined) return -1;
    if (name === "/DicomAttribute") this.#isInUrlAttribute = false;
    const isOfInterest = name === "DicomAttribute" || ELEMENTS.has(name) ||
      name === "Value" && this.#isInUrlAttribute;
    // Attributes hold no raw `<`, so the next one is the next tag whatever this one holds.
    if (!isOfInterest) return at + 1;
    const end = findTagEnd(input, at + 1, Math.min(input.length, at + MAX_HELD_BYTES));
    if (end < 0) return input.length - at < MAX_HELD_BYTES ? -1 : at + 1;
    const tag = decodeLatin1(input.subarray(at, end));
    if (name === "Value") this.#state = tag.endsWith("/") ? "content" : "url";
    else if (name === "DicomAttribute") {
      const value = [...attributesOf(tag)].find((attribute) => attribute.name === "tag")?.value;
      this.#isInUrlAttribute = !tag.endsWith("/") && value !== undefined &&
        URL_ATTRIBUTES.includes(value.toUpperCase());
    } else {
      for (const { name: attribute, value, offset } of attributesOf(tag)) {
        if (!ELEMENTS.get(name)!.includes(attribute)) continue;
        this.#rewrite(input, at + offset, at + offset + value.length, output);
      }
    }
    return end + 1;
  }

  /** The text of a `Value` that is a URL, unless it is more than text. */
  #readUrl(input: Uint8Array<ArrayBuffer>, at: number, end: number, output: ByteSink): number {
    const isTooLong = (end < 0 ? input.length : end) - at >= MAX_HELD_BYTES;
    if (!isTooLong && (end < 0 || end + 1 === input.length)) return -1;
    this.#state = "content";
    if (isTooLong || input[end + 1] !== SLASH) return at;
    this.#rewrite(input, at, end, output);
    return end;
  }

  #rewrite(input: Uint8Array<ArrayBuffer>, start: number, end: number, output: ByteSink): void {
    const text = decodeXmlText(input.subarray(start, end));
    const url = text?.trim();
    if (text === undefined || url === undefined) return;
    const translated = this.#translation.translate(url, this.#resource);
    if (translated === url) return;
    output.write(input.subarray(this.#copied, start));
    output.write(encodeXmlText(text.replace(url, () => translated)));
    this.#copied = end;
  }
}

/**
 * Makes a stream that translates the URLs of an XML document.
 *
 * @param translation What translates them.
 * @param options The resource.
 * @returns The stream.
 */
export function rewriteDicomXml(
  translation: UrlTranslation,
  options: XmlUrlRewriterOptions = {},
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return rewriteStream(new XmlUrlRewriter(translation, options));
}

/** The attributes of a tag, and where their values stand in it. */
function* attributesOf(tag: string): Generator<{ name: string; value: string; offset: number }> {
  const attribute = /\s+([^\s=>/"']+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
  attribute.lastIndex = Math.max(tag.search(/\s/), 0);
  for (let match = attribute.exec(tag); match !== null; match = attribute.exec(tag)) {
    const value = match[2] ?? match[3]!;
    yield { name: match[1]!, value, offset: attribute.lastIndex - 1 - value.length };
  }
}

/** The name of a tag without its prefix, with the slash of an end tag; nothing where it is cut off. */
function readName(input: Uint8Array, start: number): string | undefined {
  const slash = input[start] === SLASH ? "/" : "";
  const limit = Math.min(input.length, start + MAX_NAME_BYTES);
  let first = start + slash.length;
  for (let at = first; at < limit; at++) {
    const byte = input[at]!;
    if (byte === COLON) first = at + 1;
    else if (byte <= SPACE || byte === GREATER_THAN || byte === SLASH) {
      return slash + decodeLatin1(input.subarray(first, at));
    }
  }
  return limit < start + MAX_NAME_BYTES ? undefined : "";
}

/** Where the `>` of a tag is, which may also stand in attributes; -1 where it is not before `end`. */
function findTagEnd(input: Uint8Array, start: number, end: number): number {
  let quote = 0;
  for (let at = start; at < end; at++) {
    const byte = input[at]!;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === QUOTE || byte === APOSTROPHE) quote = byte;
    else if (byte === GREATER_THAN) return at;
  }
  return -1;
}

/** How many characters of an ASCII text stand at a position. */
function matchLength(input: Uint8Array, text: string, at: number): number {
  let length = 0;
  while (length < text.length && input[at + length] === text.charCodeAt(length)) length++;
  return length;
}

/** Where an ASCII text stands; -1 where it does not. */
function find(input: Uint8Array, text: string, from: number): number {
  let at = input.indexOf(text.charCodeAt(0), from);
  while (at >= 0 && matchLength(input, text, at) < text.length) {
    at = input.indexOf(text.charCodeAt(0), at + 1);
  }
  return at;
}
