/**
 * Encodings of content: bytes that are not those of the media type can be passed on only.
 *
 * @module
 */

/** Tells whether content is encoded, so that its bytes are not those of its media type. */
export function isEncoded(headers: Headers): boolean {
  const coding = headers.get("content-encoding") ?? "identity";
  const transferEncoding = headers.get("content-transfer-encoding") ?? "binary";
  return coding.toLowerCase() !== "identity" || !/^(?:binary|[78]bit)$/i.test(transferEncoding);
}
