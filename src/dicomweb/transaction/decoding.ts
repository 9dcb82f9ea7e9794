/**
 * Percent-decoding as servers do it: once by the standard, once more by some proxies and frameworks,
 * and in each case leaving alone what is no percent-encoding.
 *
 * @module
 */

/** Nothing legitimate is encoded more often; a path that is has something to hide. */
const MAX_DECODINGS = 3;

const ENCODED_RUN = /(?:%[0-9A-Fa-f]{2})+/g;
const ENCODED = /%[0-9A-Fa-f]{2}/;

/**
 * Decodes a text until nothing in it is encoded any more.
 *
 * @returns The text after each decoding, without the text itself; `undefined` if encoded bytes are not
 * UTF-8 or if it is encoded more than three times.
 *
 * @example
 * ```ts
 * import { decodings } from "./decoding.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(decodings("a%252Fb"), ["a%2Fb", "a/b"]);
 * assert.deepEqual(decodings("100%"), []);
 * assert.equal(decodings("%c0%af"), undefined);
 * ```
 */
export function decodings(text: string): string[] | undefined {
  const decoded: string[] = [];
  let current = text;
  while (ENCODED.test(current)) {
    if (decoded.length === MAX_DECODINGS) return undefined;
    try {
      current = current.replace(ENCODED_RUN, decodeURIComponent);
    } catch {
      return undefined;
    }
    decoded.push(current);
  }
  return decoded;
}
