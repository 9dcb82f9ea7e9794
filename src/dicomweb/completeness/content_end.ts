/**
 * Recognizes the end of a body in its content: the closing delimiter of multipart, the last bracket
 * of JSON, the end tag of XML's root element. Truncated bodies lack it, whatever the connection
 * reports.
 */
import type { Bytes } from "../bytes.ts";
import { JsonEnd } from "./json_end.ts";
import { isEncoded, parseMediaType } from "../media_type/media_type.ts";
import { isBoundary } from "../multipart/multipart_scanner.ts";
import { MultipartEnd } from "./multipart_end.ts";
import { XmlEnd } from "./xml_end.ts";

export interface ContentEnd {
  /** For messages. */
  readonly name: string;
  /** Whether the end was received. */
  readonly isReached: boolean;
  /** @param chunk Not kept. */
  push(chunk: Bytes): void;
}

/**
 * Creates what recognizes the end of a body; undefined if its content has no recognizable end:
 * DICOM, pixel data, plain text, encoded content, multipart without a boundary.
 */
export function contentEnd(headers: Headers): ContentEnd | undefined {
  const type = parseMediaType(headers.get("content-type") ?? "");
  if (type === undefined || isEncoded(headers)) return undefined;
  const { essence } = type;
  if (essence.startsWith("multipart/")) {
    const boundary = type.parameters.get("boundary") ?? "";
    return isBoundary(boundary) ? new MultipartEnd(boundary) : undefined;
  }
  if (/[/+]json$/.test(essence)) return new JsonEnd();
  return /[/+]xml$/.test(essence) ? new XmlEnd() : undefined;
}
