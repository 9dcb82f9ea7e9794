/**
 * Recognizes the end of a body by its own content: the closing delimiter of multipart, the last bracket
 * of JSON, the end tag of XML's root element. A body that broke off has not reached it, whatever the
 * connection says.
 *
 * @module
 */
import { isEncoded } from "../media_type/content_encoding.ts";
import { JsonEnd } from "./json_end.ts";
import { parseMediaType } from "../media_type/media_type.ts";
import { MultipartEnd } from "./multipart_end.ts";
import { XmlEnd } from "./xml_end.ts";

/** Follows one body to its end. */
export interface ContentEnd {
  /** What the end is, for messages. */
  readonly name: string;
  /** Whether the end has come, so that nothing is missing. */
  readonly isReached: boolean;
  /**
   * Takes the next bytes.
   *
   * @param chunk The bytes; they are not kept.
   */
  push(chunk: Uint8Array<ArrayBuffer>): void;
}

// deno-lint-ignore no-control-regex -- all of Latin-1 but line ends, as long as MultipartScanner reads
const BOUNDARY = /^[\x00-\x09\x0B\x0C\x0E-\xFF]{1,200}$/;

/**
 * Makes what recognizes the end of a body.
 *
 * @returns It; nothing for a body that does not show its end: DICOM, pixel data, plain text, what is
 * encoded, multipart without a boundary.
 *
 * @example
 * ```ts
 * import { contentEnd } from "./content_end.ts";
 * import assert from "node:assert/strict";
 *
 * const end = contentEnd(new Headers({ "content-type": "application/dicom+json" }))!;
 * end.push(new TextEncoder().encode('[{"00080005":{"vr":"CS"}}'));
 * assert.equal(end.isReached, false);
 * end.push(new TextEncoder().encode("]"));
 * assert.equal(end.isReached, true);
 * assert.equal(contentEnd(new Headers({ "content-type": "application/dicom" })), undefined);
 * ```
 */
export function contentEnd(headers: Headers): ContentEnd | undefined {
  const contentType = headers.get("content-type");
  const type = contentType === null ? undefined : parseMediaType(contentType);
  if (type === undefined || isEncoded(headers)) return undefined;
  const { essence } = type;
  if (essence.startsWith("multipart/")) {
    const boundary = type.parameters.get("boundary") ?? "";
    return BOUNDARY.test(boundary) ? new MultipartEnd(boundary) : undefined;
  }
  if (/[/+]json$/.test(essence)) return new JsonEnd();
  return /[/+]xml$/.test(essence) ? new XmlEnd() : undefined;
}
