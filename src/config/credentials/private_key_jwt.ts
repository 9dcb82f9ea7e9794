/**
 * OAuth2 client credentials with an assertion that a private key signs (RFC 7523, section 2.2).
 *
 * @module
 */
import { z } from "zod";
import { certificatesIn } from "../pem.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { buildKeyAssertion, checkPrivateKeys, privateKeyKeys } from "./assertion_keys.ts";
import { isEntra } from "./entra.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import {
  buildClientCredentials,
  checkTokenRequest,
  clientCredentialsProviders,
  tokenRequestKeys,
} from "./token_request_keys.ts";

/** Client credentials with an assertion signed with a private key. */
export const privateKeyJwt: SigningWay = signingWay({
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
  check(raw, context) {
    checkTokenRequest(raw, context);
    checkPrivateKeys(raw, context);
    checkCertificate(raw, context);
  },
  // Entra ID's document wants PS256 of certificates.
  build: (keys) =>
    buildClientCredentials(
      keys,
      buildKeyAssertion(keys, isEntra(keys) ? { rsaAlgorithm: "PS256" } : {}),
    ),
});

/** Entra ID finds the key by the thumbprint of the certificate that was uploaded to it. */
function checkCertificate(raw: RawKeys, { path, report }: ReadContext): void {
  const { PrivateKey: given, AssertionCertificate: certificate } = raw;
  const [key] = [given].flat();
  if (!isEntra(raw) || certificate !== undefined || typeof key !== "string") return;
  if (certificatesIn(key).length === 0) {
    report.add(
      "CFG-001",
      [...path, "AssertionCertificate"],
      "Azure needs AssertionCertificate, unless PrivateKey holds the certificate as well",
    );
  }
}
