/**
 * Recognizes encoded content, which can only be passed unchanged.
 *
 * @module
 */

/** Whether content is encoded, so that its bytes are not those of its media type. */
export function isEncoded(headers: Headers): boolean {
  const coding = headers.get("content-encoding") ?? "identity";
  const transferEncoding = headers.get("content-transfer-encoding") ?? "binary";
  return coding.toLowerCase() !== "identity" || !/^(?:binary|[78]bit)$/i.test(transferEncoding);
}
