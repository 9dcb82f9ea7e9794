/**
 * Finds secrets in a text, however their characters are escaped: percent-encoding, JSON, JavaScript, HTML.
 * It takes time in proportion to the text and nothing beforehand: tokens have thousands of characters, and
 * signatures are new with each request, so that an expression for each would cost more than the search.
 *
 * @module
 */

/** The longest way of writing one character that is found: `%2525` and two digits for each of four bytes. */
const MAX_SPELLING = 28;

/** HTML names of the characters that occur in credentials. */
const HTML_NAMES: Readonly<Record<string, string>> = {
  "&": "amp",
  "<": "lt",
  ">": "gt",
  '"': "quot",
  "'": "apos",
  "+": "plus",
  "/": "sol",
  "=": "equals",
  "_": "lowbar",
  ".": "period",
  ":": "colon",
};

const PLAIN = /^[A-Za-z0-9]$/;

/** Ways of writing characters that are escaped, each an expression that matches in one way only. */
const waysOf = new Map<string, readonly RegExp[]>();

/** A place in a text. */
export interface Found {
  readonly start: number;
  readonly end: number;
}

/** Finds any of some secrets. */
export class SpelledSearch {
  /** The longest match that is possible. */
  readonly maxMatch: number;
  /** The forms that may begin with a byte, the longest first. */
  readonly #byFirst: readonly (readonly (readonly string[])[] | undefined)[];

  /** @param forms What is searched for. */
  constructor(forms: readonly string[]) {
    const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length);
    this.maxMatch = Math.max(0, ...longestFirst.map(maxLengthOf));
    const byFirst: (readonly string[])[][] = [];
    for (const chars of longestFirst.map((form) => [...form])) {
      for (const code of firstBytesOf(chars[0]!)) (byFirst[code] ??= []).push(chars);
    }
    this.#byFirst = byFirst;
  }

  /**
   * Finds the next match.
   *
   * @param text Bytes as Latin-1, so that the charset does not matter.
   * @param limit Where matches may not begin any more.
   */
  next(text: string, from: number, limit: number): Found | undefined {
    for (let start = from; start < limit; start++) {
      const forms = this.#byFirst[text.charCodeAt(start)];
      if (forms === undefined) continue;
      for (const chars of forms) {
        const end = endOf(chars, text, start);
        if (end !== undefined) return { start, end };
      }
    }
    return undefined;
  }
}

/** Where a form ends that begins at a place, if it does; the longest way of reading it counts. */
function endOf(chars: readonly string[], text: string, start: number): number | undefined {
  // Almost always one: only backslashes and ampersands can be read in more ways than one.
  let ends = [start];
  for (const char of chars) {
    ends = ends.length === 1 && text[ends[0]!] === char && PLAIN.test(char)
      ? [ends[0]! + 1]
      : ends.flatMap((at) => endsOf(char, text, at));
    if (ends.length === 0) return undefined;
    if (ends.length > 1) ends = [...new Set(ends)];
  }
  return Math.max(...ends);
}

function endsOf(char: string, text: string, at: number): number[] {
  if (PLAIN.test(char)) return text[at] === char ? [at + 1] : [];
  let ways = waysOf.get(char);
  if (ways === undefined) waysOf.set(char, ways = spellings(char));
  const ends: number[] = [];
  for (const way of ways) {
    way.lastIndex = at;
    if (way.test(text)) ends.push(way.lastIndex);
  }
  return ends;
}

/** Kept for all searches: credentials hold few characters that are not plain. */
function spellings(char: string): RegExp[] {
  const bytes = [...new TextEncoder().encode(char)];
  const code = char.codePointAt(0)!;
  const name = HTML_NAMES[char];
  const raw = bytes.map((byte) => `\\x${hex(byte, 2)}`).join("");
  const entity = `(?:#0{0,4}${code}|#[xX]0{0,4}${anyCase(hex(code))}${name ? `|${name}` : ""});`;
  return [
    ...[0, 1, 2, 3].map((backslashes) => `\\\\{${backslashes}}${raw}`),
    bytes.map((byte) => `%(?:25){0,2}${anyCase(hex(byte, 2))}`).join(""),
    ...[0, 1, 2].map((times) => `&(?:amp;){${times}}${entity}`),
    `\\\\{1,4}(?:u${anyCase(hex(code, 4))}|x${anyCase(hex(code, 2))})`,
    ...(char === " " ? ["\\+"] : []),
  ].map((way) => new RegExp(way, "y"));
}

function firstBytesOf(char: string): Set<number> {
  if (PLAIN.test(char)) return new Set([char.charCodeAt(0)]);
  const escapes = Array.from("\\%&+", (escape) => escape.charCodeAt(0));
  return new Set([new TextEncoder().encode(char)[0]!, ...escapes]);
}

function hex(number: number, digits = 1): string {
  return number.toString(16).padStart(digits, "0");
}

function anyCase(digits: string): string {
  return digits.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

function maxLengthOf(text: string): number {
  return text.replace(/[^A-Za-z0-9]/g, "*".repeat(MAX_SPELLING)).length;
}
