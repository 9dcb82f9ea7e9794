/**
 * Checks the part of a request's target that goes to the store, so that nothing outside the
 * store's base URL can be reached with the store's credential. It refuses, rather than repairs,
 * whatever two parsers could read in two ways.
 *
 * @module
 */

/** Characters of a path in RFC 3986, section 3.3: `pchar`, `/` and percent-encoded octets. */
const PATH = /^(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
/** Encoded dot, slash, backslash or control character, also when encoded twice. */
const ENCODED_DELIMITER = /%(?:25)*(?:2[ef]|5c|[01][0-9a-f]|7f)/i;
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f#]/;
/** Longer targets are no DICOMweb request; servers commonly stop at 8 KiB. */
const MAX_TARGET_LENGTH = 8192;

/**
 * Says what is wrong with the target of a request to a store.
 *
 * @param target Path below the store's base URL, empty or starting with `/`, and query, both as
 * they stood in the request line.
 * @returns What is wrong with it in words that name no part of it, or nothing when it may be
 * appended to the base URL.
 *
 * @example
 * ```ts
 * import { findTargetFault } from "./store_path.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(findTargetFault("/studies/1.2.3/series?limit=10"), undefined);
 * assert.equal(findTargetFault("/studies/../../admin"), "the path has a dot segment");
 * ```
 */
export function findTargetFault(target: string): string | undefined {
  if (target.length > MAX_TARGET_LENGTH) {
    return `the path and query are longer than ${MAX_TARGET_LENGTH} characters`;
  }
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  if (!PATH.test(path)) return "the path has a character that a path may not have";
  if (path.includes("/.") && DOT_SEGMENT.test(path)) return "the path has a dot segment";
  if (path.includes("//")) return "the path has an empty segment";
  if (path.includes("%")) {
    if (ENCODED_DELIMITER.test(path)) {
      return "the path has an encoded dot, slash, backslash or control character";
    }
    if (!isUtf8(path)) return "the path has encoded bytes that are no UTF-8";
  }
  if (mark >= 0 && CONTROL.test(target)) return "the query has a control character";
  return undefined;
}

/** Some servers read overlong sequences, `%c0%af`, as the slash that they are not (RFC 3629, section 10). */
function isUtf8(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
