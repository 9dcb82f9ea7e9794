/**
 * Finds the certificate that belongs to a private key, and its thumbprints, by which Entra ID finds the
 * key. The provider validates the chain.
 */
import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { certificatesIn } from "./pem.ts";

/** A certificate in the header of assertions (RFC 7515, sections 4.1.7 and 4.1.8). */
export interface AssertionCertificate {
  /** Thumbprint, base64url-encoded. */
  readonly sha1: string;
  /** Thumbprint, base64url-encoded. */
  readonly sha256: string;
  /** In milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** The certificate of a key, among those of a chain or a bundle; or why there is none. */
export function assertionCertificate(pem: string, key: KeyObject):
  | { readonly certificate: AssertionCertificate; readonly fault?: never }
  | { readonly certificate?: never; readonly fault: string } {
  const certificates = certificatesIn(pem);
  if (certificates.length === 0) {
    return { fault: "must be a PEM text with a certificate (BEGIN CERTIFICATE)" };
  }
  for (const each of certificates) {
    try {
      const certificate = new X509Certificate(each);
      if (!certificate.checkPrivateKey(key)) continue;
      const digest = (algorithm: string) =>
        createHash(algorithm).update(certificate.raw).digest("base64url");
      const expiresAtMs = Date.parse(certificate.validTo);
      return { certificate: { sha1: digest("sha1"), sha256: digest("sha256"), expiresAtMs } };
    } catch {
      return { fault: "contains a certificate that is damaged" };
    }
  }
  return { fault: "contains no certificate of the private key" };
}
