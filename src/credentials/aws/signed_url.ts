/**
 * Writes a URL in the one form that both sides of a signature take for the same: every octet that is
 * not unreserved (RFC 3986, section 2.3) is percent-encoded, in capitals, and every key of the query
 * has its `=`. AWS decodes and encodes again what arrives before it checks the signature; of a URL in
 * this form nothing changes thereby, whichever way it does that.
 *
 * @module
 */

const UNRESERVED = /^[A-Za-z0-9\-._~]$/;

/**
 * Writes a URL in the form that is signed, and that is to be sent as it is.
 *
 * @param url The URL.
 * @returns The same, in that form; or nothing where its path or query holds encoded octets that are no
 * UTF-8, which each side would read in its own way.
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
  // What fetch makes of it comes first.
  const { origin, pathname, search } = new URL(url);
  const path = pathname.split("/").map(encode).join("/");
  // In a query, as servers read it, a plus sign stands for a blank.
  const pairs = search.slice(1).replaceAll("+", "%20").split("&").map(encodePair);
  const query = pairs.filter((pair) => pair !== "").join("&");
  if (!isUtf8(path) || !isUtf8(query)) return undefined;
  return origin + path + (query === "" ? "" : `?${query}`);
}

/** A value without a key says nothing to any server, and is left out of signatures by some. */
function encodePair(pair: string): string {
  const at = pair.indexOf("=");
  const key = at < 0 ? pair : pair.slice(0, at);
  return key === "" ? "" : `${encode(key)}=${encode(at < 0 ? "" : pair.slice(at + 1))}`;
}

/** What is encoded stays so, unless it need not be; a per cent sign that encodes nothing is a sign. */
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
