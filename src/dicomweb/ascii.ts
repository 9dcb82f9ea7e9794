/**
 * ASCII characters in bytes.
 */

export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const EXCLAMATION_MARK = 0x21;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const AMPERSAND = 0x26;
export const APOSTROPHE = 0x27;
export const COMMA = 0x2c;
export const DASH = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const LESS_THAN = 0x3c;
export const EQUALS = 0x3d;
export const GREATER_THAN = 0x3e;
export const QUESTION_MARK = 0x3f;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;

/** Whether a byte is white space of JSON and XML. */
export function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LF || byte === CR || byte === TAB;
}

/** Returns how many characters of an ASCII text match the input at an index. */
export function matchLength(input: Uint8Array, text: string, at: number): number {
  let length = 0;
  while (length < text.length && input[at + length] === text.charCodeAt(length)) length++;
  return length;
}

/** Bytes that take as long to compare one by one as a call of the native `indexOf`. */
const NEAR_BYTES = 24;

/** `indexOf`, several times as fast where the byte is near, as in a document of short tags. */
export function findByte(input: Uint8Array, byte: number, from: number): number {
  const near = Math.min(from + NEAR_BYTES, input.length);
  for (let at = from; at < near; at++) {
    if (input[at] === byte) return at;
  }
  return near === input.length ? -1 : input.indexOf(byte, near);
}
