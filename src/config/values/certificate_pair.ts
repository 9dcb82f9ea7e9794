/**
 * A certificate of the gateway's own and its private key: checks that they belong together.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Complain } from "./keys_of.ts";
import { privateKeyFault, privateKeyIn } from "./pem.ts";

/** Checks that there is a private key and that it belongs to the first certificate. */
export function certificatePairRule(
  { certificates: [leaf = ""], keyPem, keyAt = "KeyFile" }: {
    readonly certificates: readonly string[];
    readonly keyPem: string;
    /** The key that names the file of the private key. */
    readonly keyAt?: string;
  },
  complain: Complain,
): void {
  const fault = privateKeyFault(keyPem);
  if (fault !== undefined) return complain(keyAt, fault);
  try {
    const key = createPrivateKey(privateKeyIn(keyPem));
    if (new X509Certificate(leaf).checkPrivateKey(key)) return;
    complain(keyAt, "is not the key of the first certificate in CertificateFile");
  } catch {
    const fault = "contains a certificate, or KeyFile a key, that is damaged or of an unknown type";
    complain("CertificateFile", fault);
  }
}
