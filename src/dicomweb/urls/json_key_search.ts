/**
 * Finds known strings in JSON bytes without reading token by token.
 *
 * This is exact: within a JSON string, a quote only appears behind a backslash. Bytes that read
 * `"BulkDataURI"` are therefore a string of their own or, after a backslash, the end of a longer
 * one. A name with escaped letters (`\u0042`) is not found; no known software writes names so.
 */
import { QUOTE } from "../ascii.ts";
import type { Bytes } from "../bytes.ts";

export class JsonKeySearch {
  readonly #names: readonly string[];
  readonly #patterns: readonly Bytes[];
  /** Length of the shortest pattern, quotes included. */
  readonly #window: number;
  readonly #skip: Uint8Array;
  readonly #endsWindow = new Uint8Array(256);
  /** The name found last; undefined if the input ends within a name. */
  matched: string | undefined;

  /** @param names ASCII letters and digits. */
  constructor(names: readonly string[]) {
    this.#names = names;
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

  /**
   * Finds the opening quote of the next string, or of the beginning of one at the end of the input
   * (Horspool's algorithm), and sets {@linkcode matched}; the input's length if there is none.
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
      this.matched = size === pattern.length ? this.#names[index] : undefined;
      return true;
    }
    return false;
  }
}
