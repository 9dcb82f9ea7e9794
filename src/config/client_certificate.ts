/**
 * `ClientCertificate`: the certificate that the gateway shows to a store, its identity provider or
 * both (mutual TLS, RFC 8705). A server sees it only if it asks for one.
 *
 * @module
 */
import { z } from "zod";
import { checkCertificatePair } from "./certificate_pair.ts";
import type { ClientCertificate } from "./gateway_config.ts";
import { certificatesIn, privateKeyIn } from "./pem.ts";
import { fileContent, type RawKeys, rawKeys, type ReadContext } from "./read_context.ts";
import { Secret } from "./secret.ts";
import { filePath } from "./value_schemas.ts";

/** The keys of `ClientCertificate`. */
export const clientCertificateSchema = z.strictObject({
  CertificateFile: filePath().describe("PEM file with the certificate and its chain"),
  KeyFile: filePath().optional().describe(
    "PEM file with the private key, without a passphrase. Unless given: `CertificateFile` holds it too",
  ),
  PresentTo: z.enum(["TokenEndpoint", "Store", "Both"]).default("Both").describe(
    "Who may see the certificate. A store must where tokens are bound to it",
  ),
});

/**
 * Checks that there are a certificate and a key, and that they belong together.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkClientCertificate(raw: RawKeys, { path, files, report }: ReadContext): void {
  const { CertificateFile: certificateFile, KeyFile: keyFile } = rawKeys(raw["ClientCertificate"]);
  const at = (key: string) => [...path, "ClientCertificate", key];
  const keyName = keyFile === undefined ? "CertificateFile" : "KeyFile";
  checkCertificatePair(
    { pem: fileContent(files, certificateFile), path: at("CertificateFile") },
    { pem: fileContent(files, keyFile ?? certificateFile), path: at(keyName) },
    report,
  );
}

/**
 * Makes the certificate's configuration.
 *
 * @param keys The keys, checked.
 * @param files The files that the configuration names.
 * @returns What to show, and to whom.
 */
export function buildClientCertificate(
  keys: z.output<typeof clientCertificateSchema>,
  files: ReadContext["files"],
): ClientCertificate {
  const certificatePem = fileContent(files, keys.CertificateFile) ?? "";
  const keyPem = fileContent(files, keys.KeyFile ?? keys.CertificateFile) ?? "";
  return {
    certificatePem: certificatesIn(certificatePem).join("\n"),
    keyPem: new Secret(privateKeyIn(keyPem)),
    toTokenEndpoint: keys.PresentTo !== "Store",
    toStore: keys.PresentTo !== "TokenEndpoint",
  };
}
