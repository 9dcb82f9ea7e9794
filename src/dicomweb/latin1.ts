/**
 * ISO 8859-1, the character set of HTTP and MIME headers. The runtime's decoder of that name means
 * Windows-1252, which does not preserve every byte.
 */
import type { Bytes } from "./bytes.ts";

/** Four times as fast as one character at a time; functions accept no more arguments than this. */
const MAX_ARGUMENTS = 8192;

export function decodeLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += MAX_ARGUMENTS) {
    const codes = bytes.subarray(at, at + MAX_ARGUMENTS) as unknown as number[];
    text += String.fromCharCode.apply(null, codes);
  }
  return text;
}

/** @param text Without characters beyond U+00FF. */
export function encodeLatin1(text: string): Bytes {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
