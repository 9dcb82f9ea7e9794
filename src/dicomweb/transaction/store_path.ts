/**
 * Validates the part of a target that is appended to the store's base URL, so that the store's
 * credential reaches nothing outside it. It rejects, instead of repairing, what parsers could read
 * differently.
 */

import { decodings } from "./decoding.ts";

/** Characters of a path in RFC 3986, section 3.3: `pchar`, `/` and percent-encoded octets. */
const PATH = /^(?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*$/;
const DOT_SEGMENT = /\/\.+(?=[;/]|$)/;
/** A segment that is empty without its path parameters (RFC 3986, section 3.3). */
const EMPTY_SEGMENT = /\/[;/]/;
/** Separators, and dots, which form dot segments. */
const DELIMITERS = /[./\\]/g;
/** The same, and characters that begin parameters, a query or an encoding. */
const MARKS = /[./\\;%?#]/g;
/**
 * Characters that become slashes, backslashes and dots not by Unicode's compatibility
 * normalization, but by Windows' best-fit tables, Japanese and Korean code pages, or IDNA.
 */
const LOOKALIKES = /[\u2044\u2215\u2216\u20e5\u00a5\u20a9\u3002\uff61]/;
/** Some servers trim blanks, and drop invisible characters. */
const BLANKS = /[\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu;
const CONTROL_CHARACTER = /\p{Cc}/u;
// deno-lint-ignore no-control-regex -- ASCII is what it looks for
const NOT_ASCII = /[^\u0000-\u007f]/;
// deno-lint-ignore no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f#]/;
/** Printable ASCII that the URL Standard lets a path have and RFC 3986 does not; no backslash. */
const RAW = /["<>[\]^`{|}]/g;

/**
 * Percent-encodes the characters of a path that clients write raw and RFC 3986, section 3.3, wants
 * encoded, as in `reject/113001^DCM` of dcm4chee. The query is unchanged.
 */
export function withEncodedPath(target: string): string {
  if (target.search(RAW) < 0) return target;
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  return path.replace(RAW, encodeURIComponent) + target.slice(path.length);
}

/**
 * Finds the reason for which a target must be rejected, in words that contain no part of it;
 * undefined if there is none.
 *
 * @param target Path below the store's base URL, empty or starting with `/`, and query, both as in
 * the request line.
 */
export function findTargetFault(target: string): string | undefined {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  if (!PATH.test(path)) return "the path has a character that a path may not have";
  if (path.includes("//")) return "the path has an empty segment";
  const fault = path.includes("%")
    ? findEncodedFault(path)
    : path.includes("/.") || path.includes(";")
    ? findSegmentFault(path)
    : undefined;
  if (fault !== undefined) return fault;
  if (mark >= 0 && CONTROL.test(target)) return "the query has a control character";
  return undefined;
}

/** Checks the path as every server may read it, after each possible decoding. */
function findEncodedFault(path: string): string | undefined {
  const readings = decodings(path);
  if (readings === undefined) return "the path has encoded bytes that are no UTF-8";
  const delimiters = count(path, DELIMITERS);
  for (const reading of readings) {
    if (count(reading, DELIMITERS) !== delimiters || CONTROL_CHARACTER.test(reading)) {
      return "the path has an encoded dot, slash, backslash or control character";
    }
  }
  return findSegmentFault(readings.at(-1)!);
}

function findSegmentFault(path: string): string | undefined {
  if (NOT_ASCII.test(path)) {
    const folded = path.normalize("NFKC");
    if (LOOKALIKES.test(path) || count(folded, MARKS) !== count(path, MARKS)) {
      return "the path has a character that some servers take for a dot or a slash";
    }
  }
  const visible = path.replace(BLANKS, "");
  if (DOT_SEGMENT.test(visible)) return "the path has a dot segment";
  if (EMPTY_SEGMENT.test(visible) || visible.endsWith("/") !== path.endsWith("/")) {
    return "the path has an empty segment";
  }
  return undefined;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
