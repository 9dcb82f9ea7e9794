/**
 * Derives inputs from other inputs, deterministically from a seed.
 */
import { Buffer } from "node:buffer";

/** Longest input. */
const MAX_BYTES = 32 * 1024;
/** Most changes of one input. */
const MAX_CHANGES = 8;

/** Pseudo-random numbers (Mulberry32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below the bound. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * below);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** Bytes with a meaning for many readers. */
const WORDS = [
  ..."\0\r\n\t \"'\\/%#?@:;,.=&<>[]{}()-_$~^|`",
  "\r\n\r\n",
  "--",
  "..",
  "%2e",
  "%2F",
  "%5c",
  "%00",
  "%252e",
  "\\u0000",
  "\\ud800",
  "null",
  "true",
  "-0",
  "1e999",
  "99999999999999999999",
  "__proto__",
  "constructor",
  "\u00e9",
  "\u2028",
  "\ufeff",
  "\xff\xfe",
  "${",
  "}",
  "http://",
  "https://store.example/v2",
  "//evil.example",
].map((word) => new TextEncoder().encode(word));

/**
 * Derives an input from others.
 *
 * @param words Insertions besides those for all readers.
 */
export function mutate(
  corpus: readonly Uint8Array[],
  words: readonly string[],
  dice: Dice,
): Uint8Array<ArrayBuffer> {
  const known = [...WORDS, ...words.map((word) => new TextEncoder().encode(word))];
  let input = Uint8Array.from(dice.pick(corpus));
  for (let changes = 1 + dice.below(MAX_CHANGES); changes > 0; changes--) {
    input = changed(input, corpus, known, dice).slice(0, MAX_BYTES);
  }
  return input;
}

function changed(
  input: Uint8Array,
  corpus: readonly Uint8Array[],
  words: readonly Uint8Array[],
  dice: Dice,
): Uint8Array<ArrayBuffer> {
  const at = dice.below(input.length + 1);
  const size = Math.min(input.length - at, 1 + dice.below(dice.pick([2, 16, 256])));
  const [before, range, after] = [
    input.subarray(0, at),
    input.subarray(at, at + size),
    input.subarray(at + size),
  ];
  switch (dice.below(8)) {
    case 0:
      return joined(before, range.map((byte) => byte ^ (1 << dice.below(8))), after);
    case 1:
      return joined(before, after);
    case 2:
      return joined(before, range, range, after);
    case 3:
      return joined(before, dice.pick(words), range, after);
    case 4:
      return joined(before, dice.pick(words), after);
    case 5: {
      const other = dice.pick(corpus);
      return joined(before, other.subarray(dice.below(other.length + 1)));
    }
    case 6:
      return joined(before, Uint8Array.from({ length: size }, () => dice.below(256)), after);
    default:
      return joined(before, ...Array.from({ length: 2 + dice.below(40) }, () => range), after);
  }
}

function joined(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces));
}
