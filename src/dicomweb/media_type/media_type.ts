/**
 * Parses and formats media types as in DICOMweb, with media types and UIDs as parameters. It
 * accepts what clients and stores really send (`type=application/dicom` without quotes) and writes
 * only what RFC 9110 allows.
 */

/** A media type or, in an `Accept` header, a media range. */
export interface MediaType {
  /** Type and subtype in lower case, such as `multipart/related`. */
  readonly essence: string;
  /** Values without quotes, by lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface AcceptedMediaType extends MediaType {
  /** From 0 (not accepted) to 1 (RFC 9110, section 12.4.2). */
  readonly quality: number;
}

const ESSENCE = /^\s*([!#$%&'*+.^`|~\w-]+\/[!#$%&'*+.^`|~\w-]+)\s*/;
const PARAMETER = /;\s*(?:([!#$%&'*+.^`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"\s*|([^;"]*)))?/y;
const LIST_ITEM = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g;
const IS_TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;

/**
 * Parses a `Content-Type` value or one item of an `Accept` header (RFC 9110, section 8.3.1);
 * undefined if it is invalid. Of a repeated parameter the first counts.
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

/** Splits a header at commas outside quotes (RFC 9110, section 5.6.1); items keep their blanks. */
export function listItems(header: string): string[] {
  return header.match(LIST_ITEM) ?? [];
}

/** More than any client sends. Each is compared with all refused ones. */
const MAX_RANGES = 256;

/** Splits an `Accept` header; items after the first 256 are ignored. */
export function acceptItems(header: string): string[] {
  return listItems(header).slice(0, MAX_RANGES);
}

/**
 * Parses an `Accept` header (RFC 9110, section 12.5.1), the preferred first, without invalid items
 * and those that are not accepted (`q=0`). A missing or blank header means any type (`*` + `/*`).
 */
export function parseAccept(header: string | null | undefined): AcceptedMediaType[] {
  if (!header?.trim()) return [{ essence: "*/*", parameters: new Map(), quality: 1 }];
  return mediaRanges(header).filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

/** Parses the items of an `Accept` header in their order; the quality is 0 if it is invalid. */
export function mediaRanges(header: string): AcceptedMediaType[] {
  return acceptItems(header).map(parseMediaType).filter((type) => type !== undefined)
    .map((type) => {
      const quality = Number(type.parameters.get("q") ?? "1");
      return { ...type, quality: quality >= 0 ? Math.min(quality, 1) : 0 };
    });
}

/** Formats a media type, each parameter in quotes unless it is a token. */
export function formatMediaType(type: MediaType): string {
  const parameters = [...type.parameters].map(([name, value]) =>
    `; ${name}=${IS_TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`
  );
  return type.essence + parameters.join("");
}

/** Whether content is encoded, so that its bytes are not those of its media type. */
export function isEncoded(headers: Headers): boolean {
  const coding = headers.get("content-encoding") ?? "identity";
  const transferEncoding = headers.get("content-transfer-encoding") ?? "binary";
  return coding.toLowerCase() !== "identity" || !/^(?:binary|[78]bit)$/i.test(transferEncoding);
}
