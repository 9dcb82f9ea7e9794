/**
 * `ClientCertificate`: the certificate that the gateway presents to a store, its identity provider or
 * both, if they request one (mutual TLS, RFC 8705).
 */
import type { Frozen } from "../values/frozen.ts";
import { z } from "zod";
import { certificatePairRule } from "../values/certificate_pair.ts";
import { keysOf } from "../values/keys_of.ts";
import { certificatesFault, certificatesIn, privateKeyIn } from "../values/pem.ts";
import { Secret } from "../values/secret.ts";
import { fileContent } from "../values/value_schemas.ts";

export const clientCertificate = keysOf(
  {
    CertificateFile: fileContent().superRefine((pem, context) => {
      const message = certificatesFault(pem);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    }).describe("PEM file with the certificate and its chain"),
    KeyFile: fileContent().optional().describe(
      "PEM file with the private key, without a passphrase. Default: `CertificateFile` contains it too",
    ),
    PresentTo: z.enum(["TokenEndpoint", "Store", "Both"]).default("Both").describe(
      "Which side the certificate is presented to. It must include the store if tokens are bound to it",
    ),
  },
  ({ CertificateFile: certificate, KeyFile: key }, complain) =>
    certificatePairRule({
      certificates: certificatesIn(certificate),
      keyPem: key ?? certificate,
      keyAt: key === undefined ? "CertificateFile" : "KeyFile",
    }, complain),
).transform(({ CertificateFile: certificate, KeyFile: key, PresentTo: to }) => ({
  certificatePem: certificatesIn(certificate).join("\n"),
  keyPem: new Secret(privateKeyIn(key ?? certificate)),
  toTokenEndpoint: to !== "Store",
  toStore: to !== "TokenEndpoint",
}));

/** A client certificate, and to whom it is presented. */
export type ClientCertificate = Frozen<z.output<typeof clientCertificate>>;
