/**
 * Translates URLs in a JSON text as it streams by, only where DICOM JSON and stores' own JSON have
 * them: a comment that contains the store's URL is unchanged. It searches for names instead of
 * parsing the text, and holds back at most one URL.
 */
import {
  BACKSLASH,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  isSpace,
  matchLength,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "../ascii.ts";
import type { Bytes } from "../bytes.ts";
import { DICOM_JSON_PLACES, type JsonUrlPlaces, type MemberKind } from "./json_url_places.ts";
import { SteppedRewriter } from "./stepped_rewriter.ts";
import type { UrlTranslation } from "./url_translation.ts";

export interface JsonUrlRewriterOptions {
  /** Path below the base URL, and query, that relative references are resolved against. */
  readonly resource?: string | undefined;
  /** Default: {@linkcode DICOM_JSON_PLACES}. */
  readonly places?: JsonUrlPlaces;
}

/** Longer strings are no usable URLs; in bytes, quotes included. */
export const MAX_URL_BYTES = 16 * 1024;

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes of numbers, `true`, `false` and `null`. */
const IS_LITERAL = Uint8Array.from(
  { length: 256 },
  (_, byte) => /[\w.+-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);

export class JsonUrlRewriter extends SteppedRewriter {
  readonly #translation: UrlTranslation;
  readonly #resource: string | undefined;
  readonly #places: JsonUrlPlaces;
  /** Position in the text: anywhere, after a name, before its value, or inside. */
  #state: "anywhere" | "name" | "value" | "list" | "attribute" = "anywhere";
  #kind: MemberKind | undefined;
  #isInAttribute = false;

  constructor(translation: UrlTranslation, options: JsonUrlRewriterOptions = {}) {
    super();
    this.#translation = translation;
    this.#resource = options.resource;
    this.#places = options.places ?? DICOM_JSON_PLACES;
  }

  protected override step(input: Bytes, from: number): number {
    if (this.#state === "anywhere") return this.#findName(input, from);
    const isBetweenItems = this.#state === "list" || this.#state === "attribute";
    let at = from;
    while (isSpace(input[at]) || isBetweenItems && input[at] === COMMA) at++;
    if (at > from) return at;
    switch (this.#state) {
      case "name":
        if (input[at] !== COLON) return this.#leave(at);
        this.#state = "value";
        return at + 1;
      case "value":
        return this.#readValue(input, at);
      case "list":
        return this.#readListItem(input, at);
      case "attribute":
        return this.#readAttributeMember(input, at);
    }
  }

  #findName(input: Uint8Array, from: number): number {
    const { search, kinds } = this.#places;
    const found = search.find(input, from);
    if (found === input.length) return found;
    if (search.matched === undefined) return found > from ? found : -1;
    const before = found > 0 ? input[found - 1] : this.previous;
    if (before === BACKSLASH) return found + 1;
    this.#state = "name";
    this.#kind = kinds.get(search.matched);
    return found + search.matched.length + 2;
  }

  #readValue(input: Bytes, at: number): number {
    const byte = input[at]!;
    if (byte === QUOTE && (this.#kind === "url" || this.#isInAttribute)) {
      const end = this.#findEnd(input, at);
      if (end < 0) return this.#waitOrLeave(input, at);
      if (this.#kind === "url") this.#rewrite(input, at, end);
      this.#state = this.#isInAttribute ? "attribute" : "anywhere";
      return end + 1;
    }
    if (byte === OPEN_BRACKET && this.#kind === "list") this.#state = "list";
    else if (byte === OPEN_BRACE && this.#kind === "attribute") {
      this.#state = "attribute";
      this.#isInAttribute = true;
    } else return this.#leave(at);
    return at + 1;
  }

  #readListItem(input: Bytes, at: number): number {
    const byte = input[at]!;
    if (byte === QUOTE) {
      const end = this.#findEnd(input, at);
      if (end < 0) return this.#waitOrLeave(input, at);
      this.#rewrite(input, at, end);
      return end + 1;
    }
    if (byte === CLOSE_BRACKET) return this.#leave(at + 1);
    return IS_LITERAL[byte] === 1 ? at + 1 : this.#leave(at);
  }

  /** A member of an attribute: `vr`, `Value` or `BulkDataURI`. */
  #readAttributeMember(input: Uint8Array, at: number): number {
    if (input[at] !== QUOTE) return this.#leave(at);
    const end = this.#findEnd(input, at);
    if (end < 0) return this.#waitOrLeave(input, at);
    this.#kind = this.#memberKind(input, at, end);
    this.#state = "name";
    return end + 1;
  }

  #memberKind(input: Uint8Array, open: number, close: number): MemberKind | undefined {
    if (isName(input, open, close, "vr")) return undefined;
    if (isName(input, open, close, "Value")) return "list";
    const name = decodeJsonString(input.subarray(open, close + 1));
    return name === "Value" ? "list" : this.#places.kinds.get(name ?? "");
  }

  /** Returns to searching where the text lacks the form that contains URLs; safe anywhere. */
  #leave(at: number): number {
    this.#state = "anywhere";
    this.#isInAttribute = false;
    return at;
  }

  #findEnd(input: Uint8Array, open: number): number {
    return findStringEnd(input, open, Math.min(input.length, open + MAX_URL_BYTES));
  }

  #waitOrLeave(input: Uint8Array, open: number): number {
    return input.length - open < MAX_URL_BYTES ? -1 : this.#leave(open + 1);
  }

  /** Translates the string between two quotes. */
  #rewrite(input: Bytes, open: number, close: number): void {
    const prefix = this.#translation.findPrefix(input, open + 1, close);
    if (prefix !== undefined) {
      const end = open + 1 + prefix.fromBytes.length;
      return this.replace(open + 1, end, prefix.toBytes);
    }
    const url = decodeJsonString(input.subarray(open, close + 1));
    if (url === undefined) return;
    const translated = this.#translation.translate(url, this.#resource);
    if (translated === url) return;
    this.replace(open, close + 1, new TextEncoder().encode(JSON.stringify(translated)));
  }
}

/** Whether a string between two quotes is an ASCII name without escapes. */
function isName(input: Uint8Array, open: number, close: number, name: string): boolean {
  return close - open - 1 === name.length && matchLength(input, name, open + 1) === name.length;
}

/** Index of the closing quote of a string (RFC 8259, section 7); -1 if it is not before `end`. */
function findStringEnd(input: Uint8Array, open: number, end: number): number {
  for (let at = open + 1; at < end; at++) {
    const byte = input[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return -1;
}

/** Returns undefined if the bytes are no JSON string in UTF-8. */
function decodeJsonString(bytes: Uint8Array): string | undefined {
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch {
    return undefined;
  }
}
