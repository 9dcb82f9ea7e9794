/**
 * OAuth2 client credentials with an assertion that a private key signs (RFC 7523, section 2.2).
 *
 * @module
 */
import { z } from "zod";
import { isEntra } from "../azure/entra.ts";
import { scheme } from "../scheme.ts";
import {
  algorithmRule,
  certificateRule,
  certificateWarnings,
  keyAssertionOf,
  privateKeyKeys,
} from "./assertion_keys.ts";
import {
  clientCredentialsOf,
  clientCredentialsProviders,
  clientCredentialsReach,
  tokenRequestKeys,
  tokenRequestRules,
  tokenRequestWarnings,
} from "./token_request.ts";

/** Client credentials with an assertion signed with a private key. */
export const privateKeyJwt = scheme({
  title: "OAuth2 with private_key_jwt",
  description: "OAuth2 client credentials grant with an assertion that a private key signs.",
  chosenBy: { ProviderType: clientCredentialsProviders, ClientAuthentication: ["private_key_jwt"] },
  keys: {
    ...tokenRequestKeys,
    ClientAuthentication: z.literal("private_key_jwt").describe(
      "A private key signs an assertion; the provider knows its public half",
    ),
    ...privateKeyKeys,
  },
  rules: [
    ...tokenRequestRules,
    algorithmRule,
    certificateRule,
    (keys, complain) => {
      // Entra ID finds the key by the thumbprint of the certificate that was uploaded to it.
      if (!isEntra(keys) || keys.AssertionCertificate !== undefined) return;
      if (keys.PrivateKey[0].certificates.length > 0) return;
      complain(
        "AssertionCertificate",
        "Azure needs AssertionCertificate, unless PrivateKey holds the certificate as well",
      );
    },
  ],
  warnings: (keys) => [...tokenRequestWarnings(keys), ...certificateWarnings(keys)],
  // Entra ID's document wants PS256 of certificates.
  credentials: (keys) =>
    clientCredentialsOf(
      keys,
      keyAssertionOf(keys, isEntra(keys) ? { rsaAlgorithm: "PS256" } : {}),
    ),
  reach: clientCredentialsReach,
});
