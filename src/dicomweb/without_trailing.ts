/**
 * Cuts characters off the end of a text. An expression such as `/\/+$/` takes quadratic time: it begins
 * anew at every one of these characters wherever they are in the text.
 *
 * @module
 */

/**
 * Removes characters from the end of a text.
 *
 * @param characters What to remove, each a UTF-16 code unit.
 * @returns The text up to its last other character.
 *
 * @example
 * ```ts
 * import { withoutTrailing } from "./without_trailing.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(withoutTrailing("https://store.example/v2//", "/"), "https://store.example/v2");
 * ```
 */
export function withoutTrailing(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1]!)) end--;
  return text.slice(0, end);
}
