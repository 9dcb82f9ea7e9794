/**
 * Reads and writes media types as DICOMweb uses them: with parameters that themselves hold media
 * types and UIDs. It reads what peers really send (`type=application/dicom` without quotes, which
 * no token may be) and writes only what RFC 9110 allows.
 *
 * @module
 */

/** A media type or, in an `Accept` header, a media range. */
export interface MediaType {
  /** Type and subtype in lower case, such as `multipart/related`. */
  readonly essence: string;
  /** Parameters by lower-case name, values without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** One media range of an `Accept` header. */
export interface AcceptedMediaType extends MediaType {
  /** How much it is wanted, from 0 (not at all) to 1 (RFC 9110, section 12.4.2). */
  readonly quality: number;
}

const ESSENCE = /^\s*([!#$%&'*+.^`|~\w-]+\/[!#$%&'*+.^`|~\w-]+)\s*/;
const PARAMETER = /;\s*(?:([!#$%&'*+.^`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"\s*|([^;"]*)))?/y;
const LIST_ITEM = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const IS_TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;

/**
 * Reads one media type (RFC 9110, section 8.3.1). Of a repeated parameter the first counts.
 *
 * @param text A `Content-Type` value, or one item of an `Accept` header.
 * @returns The media type, or nothing where the text is none.
 *
 * @example
 * ```ts
 * import { parseMediaType } from "./media_type.ts";
 * import assert from "node:assert/strict";
 *
 * const type = parseMediaType("multipart/related; type=application/dicom; boundary=abc");
 * assert.equal(type?.essence, "multipart/related");
 * assert.equal(type?.parameters.get("type"), "application/dicom");
 * ```
 */
export function parseMediaType(text: string): MediaType | undefined {
  const essence = ESSENCE.exec(text);
  if (essence === null) return undefined;
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = essence[0].length;
  let end = PARAMETER.lastIndex;
  for (let match = PARAMETER.exec(text); match !== null; match = PARAMETER.exec(text)) {
    end = PARAMETER.lastIndex;
    const [, name, quoted, plain = ""] = match;
    const key = name?.toLowerCase();
    if (key !== undefined && !parameters.has(key)) {
      parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? plain.trim());
    }
  }
  return end === text.length ? { essence: essence[1]!.toLowerCase(), parameters } : undefined;
}

/**
 * Splits a header that holds a list at its commas, those in quotes apart.
 *
 * @returns The items (RFC 9110, section 5.6.1), blanks around them kept.
 *
 * @example
 * ```ts
 * import { listItems } from "./media_type.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(listItems('a/b;x="1,2",c/d'), ['a/b;x="1,2"', "c/d"]);
 * ```
 */
export function listItems(header: string): string[] {
  return header.match(LIST_ITEM) ?? [];
}

/** More than any client names. Each is compared with all that refuse something. */
const MAX_RANGES = 256;

/**
 * Splits an `Accept` header.
 *
 * @returns Its items, blanks around them kept; those beyond the first 256 are ignored.
 */
export function acceptItems(header: string): string[] {
  return listItems(header).slice(0, MAX_RANGES);
}

/**
 * Reads an `Accept` header (RFC 9110, section 12.5.1), the most wanted first. Items that are no
 * media ranges are left out, as are those that are not wanted at all (`q=0`).
 *
 * @param header The header's value, or nothing where there is none.
 * @returns The media ranges; any type (`*` + `/*`) for a header that is missing or blank.
 *
 * @example
 * ```ts
 * import { parseAccept } from "./media_type.ts";
 * import assert from "node:assert/strict";
 *
 * const accepted = parseAccept('text/html;q=0.5, multipart/related; type="image/jpeg, or so"');
 * assert.deepEqual(accepted.map((each) => each.essence), ["multipart/related", "text/html"]);
 * ```
 */
export function parseAccept(header: string | null | undefined): AcceptedMediaType[] {
  if (!header?.trim()) return [{ essence: "*/*", parameters: new Map(), quality: 1 }];
  const accepted: AcceptedMediaType[] = [];
  for (const item of acceptItems(header)) {
    const type = parseMediaType(item);
    if (type === undefined) continue;
    const quality = Number(type.parameters.get("q") ?? "1");
    if (quality > 0) accepted.push({ ...type, quality: Math.min(quality, 1) });
  }
  return accepted.sort((a, b) => b.quality - a.quality);
}

/**
 * Writes a media type, each parameter in quotes unless it is a token.
 *
 * @returns Its text for a `Content-Type` header.
 *
 * @example
 * ```ts
 * import { formatMediaType } from "./media_type.ts";
 * import assert from "node:assert/strict";
 *
 * const parameters = new Map([["type", "application/dicom"], ["boundary", "b-1"]]);
 * assert.equal(
 *   formatMediaType({ essence: "multipart/related", parameters }),
 *   'multipart/related; type="application/dicom"; boundary=b-1',
 * );
 * ```
 */
export function formatMediaType(type: MediaType): string {
  const parameters = [...type.parameters].map(([name, value]) =>
    `; ${name}=${IS_TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`
  );
  return type.essence + parameters.join("");
}
