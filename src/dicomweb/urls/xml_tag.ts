/**
 * Reads the bytes of one XML tag (XML 1.0, section 3.1) without decoding them. Only ASCII names are
 * found.
 *
 * @module
 */

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const COLON = 0x3a;
const EQUALS = 0x3d;
const GREATER_THAN = 0x3e;
const MAX_NAME_BYTES = 64;

/**
 * Reads the name of a tag without its namespace prefix.
 *
 * @returns The one of `names` that it is, an end tag with a slash before it; `""` for any other
 * name; undefined if the input ends within the name.
 */
export function readTagName(
  input: Uint8Array,
  start: number,
  names: readonly string[],
): string | undefined {
  const isEndTag = input[start] === SLASH;
  const limit = Math.min(input.length, start + MAX_NAME_BYTES);
  let first = isEndTag ? start + 1 : start;
  for (let at = first; at < limit; at++) {
    const byte = input[at]!;
    if (byte === COLON) first = at + 1;
    else if (byte <= SPACE || byte === GREATER_THAN || byte === SLASH) {
      const name = nameAt(input, first, at, names) ?? "";
      return isEndTag && name !== "" ? `/${name}` : name;
    }
  }
  return limit < start + MAX_NAME_BYTES ? undefined : "";
}

/** Finds the `>` of a tag, those in attribute values apart; -1 if it is not before `end`. */
export function findTagEnd(input: Uint8Array, start: number, end: number): number {
  let quote = 0;
  for (let at = start; at < end; at++) {
    const byte = input[at]!;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === QUOTE || byte === APOSTROPHE) quote = byte;
    else if (byte === GREATER_THAN) return at;
  }
  return -1;
}

export interface AttributeValue {
  readonly start: number;
  readonly end: number;
}

/** Finds the value, without quotes, of the first attribute of a tag that has one of the names. */
export function findAttribute(
  input: Uint8Array,
  start: number,
  end: number,
  names: readonly string[],
): AttributeValue | undefined {
  let at = start;
  while (at < end && !isSpace(input[at])) at++;
  for (;;) {
    while (isSpace(input[at])) at++;
    const nameStart = at;
    while (at < end && input[at] !== EQUALS && !isSpace(input[at])) at++;
    const nameEnd = at;
    while (isSpace(input[at])) at++;
    if (at >= end || input[at++] !== EQUALS) return undefined;
    while (isSpace(input[at])) at++;
    const quote = input[at];
    if (quote !== QUOTE && quote !== APOSTROPHE) return undefined;
    const valueStart = at + 1;
    for (at = valueStart; at < end && input[at] !== quote;) at++;
    if (nameAt(input, nameStart, nameEnd, names) !== undefined) {
      return { start: valueStart, end: at };
    }
    at++;
  }
}

/** Returns how many characters of an ASCII text match the input at an index. */
export function matchLength(input: Uint8Array, text: string, at: number): number {
  let length = 0;
  while (length < text.length && input[at + length] === text.charCodeAt(length)) length++;
  return length;
}

function nameAt(
  input: Uint8Array,
  start: number,
  end: number,
  names: readonly string[],
): string | undefined {
  for (const name of names) {
    if (name.length === end - start && matchLength(input, name, start) === name.length) return name;
  }
  return undefined;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LF || byte === CR || byte === TAB;
}
