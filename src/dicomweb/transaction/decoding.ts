/**
 * Percent-decoding as servers do it: once by the standard, again in some proxies and frameworks.
 */

/** No legitimate path is encoded more often. */
const MAX_DECODINGS = 3;

const ENCODED_RUN = /(?:%[0-9A-Fa-f]{2})+/g;
const ENCODED = /%[0-9A-Fa-f]{2}/;

/**
 * Decodes until nothing is percent-encoded; whatever is no percent-encoding is unchanged.
 *
 * @returns The text after each decoding, without the text itself; undefined if encoded bytes are
 * not UTF-8 or if it is encoded more than three times.
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
