/**
 * `ClientCertificate`: the certificate that the gateway shows to a store, its identity provider or
 * both (mutual TLS, RFC 8705). A server sees it only if it asks for one.
 *
 * @module
 */
import type { Frozen } from "../values/frozen.ts";
import { z } from "zod";
import { certificatePairFault } from "../values/certificate_pair.ts";
import { keysOf } from "../values/keys_of.ts";
import { certificatesIn, privateKeyIn } from "../values/pem.ts";
import { Secret } from "../values/secret.ts";
import { fileContent } from "../values/value_schemas.ts";

const NO_CERTIFICATE = "must be a PEM file with at least one certificate (BEGIN CERTIFICATE)";

/** The keys of `ClientCertificate`. */
export const clientCertificate = keysOf(
  {
    CertificateFile: fileContent().refine((pem) => certificatesIn(pem).length > 0, NO_CERTIFICATE)
      .describe("PEM file with the certificate and its chain"),
    KeyFile: fileContent().optional().describe(
      "PEM file with the private key, without a passphrase. Default: `CertificateFile` contains it too",
    ),
    PresentTo: z.enum(["TokenEndpoint", "Store", "Both"]).default("Both").describe(
      "Which side the certificate is presented to. It must include the store if tokens are bound to it",
    ),
  },
  ({ CertificateFile: certificate, KeyFile: key }, complain) => {
    const found = certificatePairFault(certificatesIn(certificate), key ?? certificate);
    if (found === undefined) return;
    const isInKeyFile = found.of === "key" && key !== undefined;
    complain(isInKeyFile ? "KeyFile" : "CertificateFile", found.fault);
  },
).transform((
  { CertificateFile: certificate, KeyFile: key, PresentTo: to },
) => ({
  certificatePem: certificatesIn(certificate).join("\n"),
  keyPem: new Secret(privateKeyIn(key ?? certificate)),
  toTokenEndpoint: to !== "Store",
  toStore: to !== "TokenEndpoint",
}));

/** A certificate of the gateway, and to whom it is shown if they ask for one. */
export type ClientCertificate = Frozen<z.output<typeof clientCertificate>>;
