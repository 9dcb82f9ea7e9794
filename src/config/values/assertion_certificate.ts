/**
 * Finds the certificate that belongs to a private key and makes the thumbprints of it by which
 * Entra ID finds the key. The certificate's chain is the provider's to judge.
 *
 * @module
 */
import { createHash, type KeyObject, X509Certificate } from "node:crypto";
import { certificatesIn } from "./pem.ts";

/** A certificate in the header of assertions (RFC 7515, sections 4.1.7 and 4.1.8). */
export interface AssertionCertificate {
  /** Its thumbprint, base64url-encoded. */
  readonly sha1: string;
  /** Its thumbprint, base64url-encoded. */
  readonly sha256: string;
  /** Until when it is valid, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** The certificate, or why there is none. */
export type CertificateResult =
  | { readonly certificate: AssertionCertificate; readonly fault?: never }
  | { readonly certificate?: never; readonly fault: string };

/**
 * Finds the certificate of a key.
 *
 * @param pem A text with certificates, such as a chain or a bundle with the key.
 * @returns The certificate, or why there is none.
 */
export function assertionCertificate(pem: string, key: KeyObject): CertificateResult {
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
