/**
 * Checks a certificate of the gateway's own and its private key: that both are there, that they belong
 * together, and that the certificate is in date.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { expiryWarning } from "./certificate_expiry.ts";
import { certificatesIn, privateKeyFault, privateKeyIn } from "./pem.ts";
import type { ReadContext } from "./read_context.ts";

/** A text, and the key of the configuration that names its file. */
export interface PemPlace {
  /** Nothing where the file could not be read, which is told elsewhere. */
  readonly pem: string | undefined;
  readonly path: readonly PropertyKey[];
}

/**
 * Checks a pair.
 *
 * @param certificate The certificate, its chain behind it.
 * @param key The private key.
 * @param report Takes what is wrong.
 */
export function checkCertificatePair(
  certificate: PemPlace,
  key: PemPlace,
  report: ReadContext["report"],
): void {
  const [leaf] = certificatesIn(certificate.pem ?? "");
  if (certificate.pem !== undefined && leaf === undefined) {
    const message = "must be a PEM file with at least one certificate (BEGIN CERTIFICATE)";
    report.add("CFG-002", certificate.path, message);
  }
  const fault = key.pem === undefined ? undefined : privateKeyFault(key.pem);
  if (fault !== undefined) report.add("CFG-002", key.path, fault);
  if (leaf === undefined || key.pem === undefined || fault !== undefined) return;
  try {
    const parsed = new X509Certificate(leaf);
    if (!parsed.checkPrivateKey(createPrivateKey(privateKeyIn(key.pem)))) {
      const message = "is not the key of the first certificate in CertificateFile";
      report.add("CFG-002", key.path, message);
    }
    const warning = expiryWarning(Date.parse(parsed.validTo), Date.now());
    if (warning !== undefined) report.warn(certificate.path, warning);
  } catch {
    const message = "holds a certificate, or KeyFile a key, that is damaged or of an unknown kind";
    report.add("CFG-002", certificate.path, message);
  }
}
