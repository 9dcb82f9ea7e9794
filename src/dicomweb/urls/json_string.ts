/**
 * Strings in the bytes of a JSON text (RFC 8259, section 7).
 *
 * @module
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** Returns the index of the closing quote; -1 if it is not before `end`. */
export function findStringEnd(input: Uint8Array, open: number, end: number): number {
  for (let at = open + 1; at < end; at++) {
    const byte = input[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at++;
  }
  return -1;
}

/** Returns undefined if the bytes are no JSON string in UTF-8. */
export function decodeJsonString(bytes: Uint8Array): string | undefined {
  try {
    return JSON.parse(UTF8.decode(bytes));
  } catch {
    return undefined;
  }
}

export function encodeJsonString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(text));
}
