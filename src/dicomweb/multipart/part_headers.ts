/**
 * The header block of a part (RFC 2046, section 5.1) in bytes, with the empty line that ends it.
 */
import type { Bytes } from "../bytes.ts";
import { decodeLatin1, encodeLatin1 } from "../latin1.ts";

const CONTENT_LOCATION = /^(content-location[ \t]*:)([^\r\n]*)(?=\r?\n(?![ \t]))/gim;
const CONTENT_LENGTH = /^content-length[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*/gim;

/**
 * Reads a header block. Lines that begin with white space are continued (RFC 5322, section 2.2.3).
 *
 * @throws {TypeError} If a line is no header.
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

/** The Content-Length of a part, for optimizations only: the delimiter decides. */
export function partLength(headers: Headers): number | undefined {
  const length = headers.get("content-length")?.trim() ?? "";
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/**
 * Changes a header block and leaves all other bytes unchanged, also a `Content-Location` continued
 * on a second line. Returns the same object if nothing changes.
 */
export function changePartHeaders(
  block: Bytes,
  options: { readonly translateUrl: (url: string) => string; readonly dropLength: boolean },
): Bytes {
  const text = decodeLatin1(block);
  const changed = (options.dropLength ? text.replace(CONTENT_LENGTH, "") : text)
    .replace(CONTENT_LOCATION, (_, start: string, value: string) => {
      const url = value.trim();
      const at = value.indexOf(url);
      return start + value.slice(0, at) + options.translateUrl(url) + value.slice(at + url.length);
    });
  return changed === text ? block : encodeLatin1(changed);
}
