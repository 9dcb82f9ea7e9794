/**
 * The header block of one part of a multipart body (RFC 2046, section 5.1), as bytes.
 *
 * @module
 */
import { decodeLatin1, encodeLatin1 } from "../latin1.ts";

const CONTENT_LOCATION = /^(content-location[ \t]*:)([^\r\n]*)(?=\r?\n(?![ \t]))/gim;
const CONTENT_LENGTH = /^content-length[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*/gim;

/**
 * Reads a header block. A line that begins with white space continues the one before it
 * (RFC 5322, section 2.2.3).
 *
 * @param block The block, with the empty line that ends it.
 * @throws {TypeError} When a line is no header.
 */
export function readPartHeaders(block: Uint8Array): Headers {
  const headers = new Headers();
  const lines = decodeLatin1(block).replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  for (const line of lines) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    headers.append(line.slice(0, Math.max(colon, 0)).trimEnd(), line.slice(colon + 1));
  }
  return headers;
}

/**
 * The length that a part states of its content. The delimiter counts, not this.
 *
 * @returns Bytes; undefined where it states none.
 */
export function partLength(headers: Headers): number | undefined {
  const length = headers.get("content-length")?.trim() ?? "";
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** What changes in a header block. */
export interface PartHeaderChanges {
  /** Translates the URL of `Content-Location`. */
  readonly translate: (url: string) => string;
  /** Leave out `Content-Length`, because the content will have another. */
  readonly dropLength: boolean;
}

/**
 * Changes a header block and leaves every other byte of it as it is. A `Content-Location` that
 * is continued on a second line stays as it is, too.
 *
 * @param block The block, with the empty line that ends it.
 * @returns The block; the very same one where there is nothing to change.
 */
export function changePartHeaders(
  block: Uint8Array<ArrayBuffer>,
  { translate, dropLength }: PartHeaderChanges,
): Uint8Array<ArrayBuffer> {
  const text = decodeLatin1(block);
  const changed = (dropLength ? text.replace(CONTENT_LENGTH, "") : text)
    .replace(CONTENT_LOCATION, (_, start: string, value: string) => {
      const url = value.trim();
      const at = value.indexOf(url);
      return start + value.slice(0, at) + translate(url) + value.slice(at + url.length);
    });
  return changed === text ? block : encodeLatin1(changed);
}
