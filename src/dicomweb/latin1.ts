/**
 * Text of one character a byte, as the headers of HTTP and MIME are (ISO 8859-1). The runtime's
 * decoder of that name means Windows-1252, which does not give every byte back.
 *
 * @module
 */

/** Character by character takes four times as long; a function takes no more arguments than this. */
const MAX_ARGUMENTS = 8192;

/**
 * Reads bytes as text.
 *
 * @param bytes The bytes.
 */
export function decodeLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += MAX_ARGUMENTS) {
    const codes = bytes.subarray(at, at + MAX_ARGUMENTS) as unknown as number[];
    text += String.fromCharCode.apply(null, codes);
  }
  return text;
}

/**
 * Writes text as bytes.
 *
 * @param text The text, of no characters beyond U+00FF.
 * @returns One byte for each character.
 */
export function encodeLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
