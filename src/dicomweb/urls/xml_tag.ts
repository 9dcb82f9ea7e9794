/**
 * Reads the bytes of one XML tag (XML 1.0, section 3.1) undecoded. Only ASCII names are found.
 */
import {
  APOSTROPHE,
  COLON,
  EQUALS,
  GREATER_THAN,
  isSpace,
  LESS_THAN,
  matchLength,
  QUOTE,
  SLASH,
  SPACE,
} from "../ascii.ts";

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
    else if (byte <= SPACE || byte === GREATER_THAN || byte === SLASH || byte === LESS_THAN) {
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

/** Finds the value, without quotes, of the first attribute of a tag that has one of the names. */
export function findAttribute(
  input: Uint8Array,
  start: number,
  end: number,
  names: readonly string[],
): { readonly start: number; readonly end: number } | undefined {
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
