/**
 * Recognises what a PEM file holds (RFC 7468), without judging whether it is valid or in date.
 *
 * @module
 */

// Each search for an end begins anew: only the administrator's files are read with these.
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----[\s\S]+?-----END \1-----/;

/**
 * The certificates of a PEM text.
 *
 * @returns Each certificate with its armour; empty where there is none.
 */
export function certificatesIn(pem: string): string[] {
  return pem.match(CERTIFICATE) ?? [];
}

/**
 * The private key of a PEM text, without what stands around it, such as EC parameters.
 *
 * @returns The key with its armour; empty where there is none.
 */
export function privateKeyIn(pem: string): string {
  return PRIVATE_KEY.exec(pem)?.[0] ?? "";
}

/**
 * What is wrong with a PEM text that should hold a private key.
 *
 * @returns The complaint, or `undefined` where there is a key that can be used.
 */
export function privateKeyFault(pem: string): string | undefined {
  const kind = PRIVATE_KEY.exec(pem)?.[1];
  if (kind === undefined) return "must be a PEM file with a private key (BEGIN PRIVATE KEY)";
  if (kind.startsWith("ENCRYPTED") || /Proc-Type: 4,ENCRYPTED/.test(pem)) {
    return "must contain the private key without a passphrase";
  }
  return undefined;
}
