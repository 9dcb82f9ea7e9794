/**
 * Rejects certificates of servers that Node's verifier accepts and the runtime's does not, with the
 * runtime's words (webpki): both kinds of connections must come to the same verdict.
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import tls from "node:tls";

/** Contextual tag [0] of a certificate's version, which is absent in version 1 (RFC 5280, section 4.1). */
const VERSION = 0xa0;
/** `[0] { INTEGER 2 }`. */
const VERSION_3: readonly number[] = [VERSION, 3, 2, 1, 2];

/** The reason to reject a server's certificate, after Node has verified its signatures. */
export function serverIdentityFault(
  host: string,
  certificate: tls.PeerCertificate,
): Error | undefined {
  const { raw, subjectaltname: names } = certificate;
  if (!isVersion3(raw)) return new Error("UnsupportedCertVersion");
  if (new X509Certificate(Buffer.from(raw)).ca) return new Error("CaUsedAsEndEntity");
  // Node would take the common name (RFC 9525 forbids that).
  if (!names) return new Error("certificate is not valid for any names");
  return tls.checkServerIdentity(host, certificate);
}

/** @param der The certificate: a sequence that begins with a sequence that begins with the version. */
function isVersion3(der: Uint8Array): boolean {
  const inner = contentStart(der, 0);
  const version = contentStart(der, inner);
  return VERSION_3.every((byte, at) => der[version + at] === byte);
}

/** Where the content of the element at this place begins. */
function contentStart(der: Uint8Array, at: number): number {
  const length = der[at + 1] ?? 0;
  // From 128 on: the number of bytes of the length.
  return at + 2 + (length & 0x80 ? length & 0x7f : 0);
}
