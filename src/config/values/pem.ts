/**
 * Recognizes the contents of a PEM file (RFC 7468), without validating them.
 */

// Each search for an end begins anew: only the administrator's files are read with these.
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----[\s\S]+?-----END \1-----/;

/** The certificates of a PEM text, each with its armour. */
export function certificatesIn(pem: string): string[] {
  return pem.match(CERTIFICATE) ?? [];
}

/** The private key of a PEM text with its armour, without EC parameters and others; empty if none. */
export function privateKeyIn(pem: string): string {
  return PRIVATE_KEY.exec(pem)?.[0] ?? "";
}

/** What is wrong with a PEM text that should contain a private key without a passphrase. */
export function privateKeyFault(pem: string): string | undefined {
  const kind = PRIVATE_KEY.exec(pem)?.[1];
  if (kind === undefined) return "must be a PEM file with a private key (BEGIN PRIVATE KEY)";
  if (kind.startsWith("ENCRYPTED") || /Proc-Type: 4,ENCRYPTED/.test(pem)) {
    return "must contain the private key without a passphrase";
  }
  return undefined;
}
