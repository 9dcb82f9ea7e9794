/**
 * Decodes the bytes of a file strictly. A replaced character of a secret would otherwise show up only as
 * the rejection of a provider.
 */
import type { FileText } from "./sources.ts";

/** Windows PowerShell writes UTF-16 by default. */
const UTF_16 = "it is UTF-16, not UTF-8: save it as UTF-8, in PowerShell with -Encoding utf8";

const LATIN_1 = "it is not UTF-8, perhaps Latin-1 or Windows-1252: save it as UTF-8";

const BINARY = "it is binary (DER or PKCS#12), not text: convert it to PEM, with " +
  "`openssl x509 -inform der`, `openssl pkey -inform der` or `openssl pkcs12 -nodes`";

/** The text of a file in UTF-8, without a byte order mark; or why it is none. */
export function decodeText(bytes: Uint8Array): FileText {
  const failure = encodingFault(bytes);
  if (failure !== undefined) return { failure, isDamaged: true };
  try {
    return { content: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { failure: LATIN_1, isDamaged: true };
  }
}

function encodingFault(bytes: Uint8Array): string | undefined {
  const [first, second = 0] = bytes;
  if (first === 0xff && second === 0xfe || first === 0xfe && second === 0xff) return UTF_16;
  const isLong = second >= 0x80;
  // A SEQUENCE and its length (X.690, section 8.1): certificates and keys in DER.
  if (first === 0x30 && isLong) return BINARY;
  if (!bytes.includes(0)) return undefined;
  if (first === 0x30 && second === bytes.length - 2) return BINARY;
  const isAsciiInUtf16 = bytes.length % 2 === 0 &&
    [0, 1].some((high) => bytes.every((byte, index) => (byte === 0) === (index % 2 === high)));
  return isAsciiInUtf16 ? UTF_16 : "it contains NUL characters: write it as plain text";
}
