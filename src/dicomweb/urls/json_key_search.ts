/**
 * Finds strings of known text in the bytes of a JSON text without reading it token by token.
 *
 * This is exact, because a quote stands in no JSON string but behind a backslash: bytes
 * that read `"BulkDataURI"` are a string of their own, or, where a backslash precedes them, the end of a
 * longer one. A string that spells its letters as `\u0042` is not found; nobody writes names so.
 *
 * @module
 */

const QUOTE = 0x22;

/** Searches for some JSON strings at once. */
export class JsonKeySearch {
  readonly #patterns: readonly Uint8Array<ArrayBuffer>[];
  /** Length of the shortest pattern, quotes included. */
  readonly #window: number;
  readonly #skip: Uint8Array;
  readonly #endsWindow = new Uint8Array(256);
  /** Which name was found last: its index, or -1 where the input ends within a name. */
  matched = -1;

  /**
   * @param names The texts of the strings: ASCII letters and digits.
   */
  constructor(names: readonly string[]) {
    this.#patterns = names.map((name) => new TextEncoder().encode(`"${name}"`));
    this.#window = Math.min(...this.#patterns.map((pattern) => pattern.length));
    this.#skip = new Uint8Array(256).fill(Math.min(this.#window, 255));
    const last = this.#window - 1;
    for (const pattern of this.#patterns) {
      this.#endsWindow[pattern[last]!] = 1;
      for (let i = 0; i < last; i++) {
        this.#skip[pattern[i]!] = Math.min(this.#skip[pattern[i]!]!, last - i);
      }
    }
  }

  /** Length of a pattern in bytes, quotes included. */
  lengthOf(index: number): number {
    return this.#patterns[index]!.length;
  }

  /**
   * Finds the next string, or the beginning of one at the end of the input, by Horspool's leaps.
   *
   * @returns Where its opening quote is, and {@linkcode matched} tells which it is; the length of
   * the input where there is none.
   */
  find(input: Uint8Array, from: number): number {
    const [skip, endsWindow, last] = [this.#skip, this.#endsWindow, this.#window - 1];
    const end = input.length - last;
    let at = from;
    while (at < end) {
      const byte = input[at + last]!;
      if (endsWindow[byte] === 1 && input[at] === QUOTE && this.#matchesAt(input, at)) return at;
      at += skip[byte]!;
    }
    for (; at < input.length; at++) {
      if (input[at] === QUOTE && this.#matchesAt(input, at)) return at;
    }
    return input.length;
  }

  #matchesAt(input: Uint8Array, at: number): boolean {
    for (let index = 0; index < this.#patterns.length; index++) {
      const pattern = this.#patterns[index]!;
      const size = Math.min(pattern.length, input.length - at);
      let length = 1;
      while (length < size && input[at + length] === pattern[length]) length++;
      if (length < size) continue;
      this.matched = size === pattern.length ? index : -1;
      return true;
    }
    return false;
  }
}
