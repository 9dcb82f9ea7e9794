/**
 * Recognizes the contents of a PEM text (RFC 7468), without validating them, and names the forms in
 * which private keys cannot be used.
 */

// Each search for an end begins anew: only the administrator's files are read with these.
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----([\s\S]+?)-----END \1-----/;

const PEM_IN_BASE64 = "contains a PEM file in base64: decode it first, as `base64 -d` does";

const NO_CERTIFICATE = "must be a PEM file with at least one certificate (BEGIN CERTIFICATE)";

/** What a text without a certificate is instead. */
const OTHER_THAN_CERTIFICATES: readonly (readonly [form: RegExp, fault: string])[] = [
  [/^\s*LS0tLS1CRUdJTi/, PEM_IN_BASE64],
  [
    /-----BEGIN PKCS7-----/,
    "contains PKCS#7: `openssl pkcs7 -print_certs -in FILE` prints its certificates",
  ],
  [
    /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----/,
    "contains a certificate signing request: the authority answers it with a certificate",
  ],
  [/-----BEGIN [A-Z ]*(?:PRIVATE|PUBLIC) KEY-----/, `${NO_CERTIFICATE}, not a key`],
];

/** What a text without a private key is instead, by its beginning or by what it contains. */
const OTHER_FORMS: readonly (readonly [form: RegExp, fault: string])[] = [
  [/^\s*LS0tLS1CRUdJTi/, PEM_IN_BASE64],
  [/^\s*e(?:yJ|wo|w0K)/, "contains JSON in base64: decode it first, as `base64 -d` does"],
  [/^\s*MI[\w+/=\s]+$/, "lacks the lines BEGIN PRIVATE KEY and END PRIVATE KEY around the key"],
  [/^\s*PuTTY-User-Key-File/, "contains a key in PuTTY's format: convert it to PEM (PKCS#8)"],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "must be a private key with its last line: it is cut off"],
  [
    /-----BEGIN (?:CERTIFICATE|[A-Z ]*PUBLIC KEY)-----/,
    "must be a PEM file with a private key (BEGIN PRIVATE KEY), not a certificate or public key",
  ],
];

/**
 * A PEM text whose lines are lines: variables often hold their breaks as `\n`, and may indent them. Forms
 * of web pages join those of the base64, of which OpenSSL takes no long ones.
 */
export function pemLines(pem: string): string {
  return pem.replace(/\\{1,2}r/g, "").replace(/\\{1,2}n/g, "\n").split("\n")
    .map((line) => line.trim())
    .map((line) => /^[\w+/=]{77,}$/.test(line) ? line.replace(/.{64}/g, "$&\n") : line)
    .join("\n");
}

/** The certificates of a PEM text, each with its armour. */
export function certificatesIn(pem: string): string[] {
  return pemLines(pem).match(CERTIFICATE) ?? [];
}

/** What is wrong with a PEM text that should contain certificates. */
export function certificatesFault(pem: string): string | undefined {
  if (certificatesIn(pem).length > 0) return undefined;
  return OTHER_THAN_CERTIFICATES.find(([form]) => form.test(pem))?.[1] ?? NO_CERTIFICATE;
}

/** The private key of a PEM text with its armour, without EC parameters and others; empty if none. */
export function privateKeyIn(pem: string): string {
  return PRIVATE_KEY.exec(pemLines(pem))?.[0] ?? "";
}

/**
 * What is wrong with a PEM text that should contain a private key without a passphrase.
 *
 * @param needed The message if there is no key at all.
 */
export function privateKeyFault(
  pem: string,
  needed = "must be a PEM file with a private key (BEGIN PRIVATE KEY)",
): string | undefined {
  const [, kind, body = ""] = PRIVATE_KEY.exec(pemLines(pem)) ?? [];
  if (kind === undefined) return OTHER_FORMS.find(([form]) => form.test(pem))?.[1] ?? needed;
  if (kind.startsWith("ENCRYPTED") || /Proc-Type: 4,ENCRYPTED/.test(body)) {
    return "must contain the private key without a passphrase: `openssl pkey -in FILE` prints it so";
  }
  if (kind.startsWith("OPENSSH")) {
    return "contains a key in OpenSSH's format: `ssh-keygen -p -N '' -m PKCS8 -f COPY` converts a " +
      "copy of the file";
  }
  return /^ *\r?\n/.test(body)
    ? undefined
    : "contains a PEM private key on one line: write its line breaks as \\n, or give ${file:PATH}";
}
