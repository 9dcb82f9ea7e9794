/**
 * Writes a URL in the form that both sides of a signature read alike: every octet that is not unreserved
 * (RFC 3986, section 2.3) is percent-encoded, in capitals, and every key of the query has its `=`. AWS
 * decodes and re-encodes a URL before it checks the signature; however it does so, this form does not
 * change.
 */

const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/**
 * A URL in the form to sign and send; `undefined` if its path or query contains encoded octets that are
 * not UTF-8, which each side would read in its own way.
 *
 * @example
 * ```ts
 * import { signedUrl } from "./signed_url.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(
 *   signedUrl("https://store.example/studies?PatientName=D%c3%b6*,+J&limit&00080060=CT"),
 *   "https://store.example/studies?PatientName=D%C3%B6%2A%2C%20J&limit=&00080060=CT",
 * );
 * assert.equal(signedUrl("https://store.example/studies?PatientName=D%F6"), undefined);
 * ```
 */
export function signedUrl(url: string): string | undefined {
  // Normalized as `fetch` does.
  const { origin, pathname, search } = new URL(url);
  const path = pathname.split("/").map(encode).join("/");
  // In a query, servers read a plus sign as a blank.
  const pairs = search.slice(1).replaceAll("+", "%20").split("&").map(encodePair);
  const query = pairs.filter((pair) => pair !== "").join("&");
  if (!isUtf8(path) || !isUtf8(query)) return undefined;
  return origin + path + (query === "" ? "" : `?${query}`);
}

/** A value without a key means nothing to any server, and some leave it out of signatures. */
function encodePair(pair: string): string {
  const at = pair.indexOf("=");
  const key = at < 0 ? pair : pair.slice(0, at);
  return key === "" ? "" : `${encode(key)}=${encode(at < 0 ? "" : pair.slice(at + 1))}`;
}

/** Encoded octets stay so unless they are unreserved; a percent sign that encodes nothing is literal. */
function encode(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~]/g, (match, hex?: string) => {
    if (hex === undefined) return encodeURIComponent(match).replace(/[!'()*]/, toHex);
    const octet = String.fromCharCode(parseInt(hex, 16));
    return UNRESERVED.test(octet) ? octet : match.toUpperCase();
  });
}

function toHex(sign: string): string {
  return `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
}

function isUtf8(encoded: string): boolean {
  try {
    decodeURIComponent(encoded);
    return true;
  } catch {
    return false;
  }
}
