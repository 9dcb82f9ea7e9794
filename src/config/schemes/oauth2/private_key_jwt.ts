/**
 * OAuth2 client credentials with an assertion that a private key signs (RFC 7523, section 2.2).
 */
import { z } from "zod";
import { isEntra } from "../azure/entra.ts";
import {
  algorithmRule,
  certificateRule,
  certificateWarnings,
  keyAssertionOf,
  privateKeyKeys,
} from "./assertion_keys.ts";
import { clientCredentialsScheme } from "./client_credentials_scheme.ts";

const method = "private_key_jwt";

export const privateKeyJwt = clientCredentialsScheme({
  title: "OAuth2 with private_key_jwt",
  description: "OAuth2 client credentials grant with an assertion that a private key signs.",
  keys: {
    ClientAuthentication: z.literal(method).describe(
      "A private key signs an assertion; its public key is registered at the provider",
    ),
    ...privateKeyKeys,
  },
  rules: [
    algorithmRule,
    certificateRule,
    (keys, complain) => {
      // Entra ID finds the key by the thumbprint of the uploaded certificate.
      if (!isEntra(keys) || keys.AssertionCertificate !== undefined) return;
      if (keys.PrivateKey[0].certificates.length > 0) return;
      complain(
        "AssertionCertificate",
        "Azure needs AssertionCertificate, unless PrivateKey contains the certificate as well",
      );
    },
  ],
  warnings: certificateWarnings,
  // Entra ID's documentation requires PS256 for certificates.
  authentication: (keys) => keyAssertionOf(keys, isEntra(keys) ? { rsaAlgorithm: "PS256" } : {}),
});
