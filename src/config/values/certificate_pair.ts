/**
 * A certificate of the gateway's own and its private key.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { privateKeyFault, privateKeyIn } from "./pem.ts";

/** What is wrong with a pair, and with which of the two. */
export interface PairFault {
  readonly of: "certificate" | "key";
  readonly fault: string;
}

/** Checks that there is a private key and that it belongs to the first certificate. */
export function certificatePairFault(
  [leaf = ""]: readonly string[],
  keyPem: string,
): PairFault | undefined {
  const fault = privateKeyFault(keyPem);
  if (fault !== undefined) return { of: "key", fault };
  try {
    const key = createPrivateKey(privateKeyIn(keyPem));
    if (new X509Certificate(leaf).checkPrivateKey(key)) return undefined;
    return { of: "key", fault: "is not the key of the first certificate in CertificateFile" };
  } catch {
    const fault = "contains a certificate, or KeyFile a key, that is damaged or of an unknown type";
    return { of: "certificate", fault };
  }
}
