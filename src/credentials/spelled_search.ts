/**
 * Finds secrets in a text in any escaping of their characters: percent-encoding, JSON, JavaScript,
 * HTML. Linear in the text and without preparation: tokens have thousands of characters, and each
 * request has a new signature, so that compiling an expression would cost more than the search.
 */

/** Longest spelling of one character: `%2525` and two digits for each of four bytes. */
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

/** Spellings by character, shared by all searches; each expression matches in one way only. */
const spellingsOf = new Map<string, readonly RegExp[]>();

export interface Found {
  readonly start: number;
  readonly end: number;
}

export class SpelledSearch {
  /** Length of the longest possible match. */
  readonly maxMatch: number;
  /** By first byte; longest first. */
  readonly #byFirst: readonly (readonly (readonly string[])[] | undefined)[];

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
   * Finds the next match that begins before `limit`.
   *
   * @param text Bytes as Latin-1, so that the charset does not matter.
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

/** @returns The end of the longest match of a form at `start`. */
function endOf(chars: readonly string[], text: string, start: number): number | undefined {
  // Almost always one: only backslashes and ampersands have several readings.
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
  let ways = spellingsOf.get(char);
  if (ways === undefined) spellingsOf.set(char, ways = spellings(char));
  const ends: number[] = [];
  for (const way of ways) {
    way.lastIndex = at;
    if (way.test(text)) ends.push(way.lastIndex);
  }
  return ends;
}

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
