/**
 * OAuth2 client credentials with an assertion that a private key signs (RFC 7523, section 2.2).
 *
 * @module
 */
import { z } from "zod";
import { buildKeyAssertion, checkPrivateKeys, privateKeyKeys } from "./assertion_keys.ts";
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
  },
  build: (keys) => buildClientCredentials(keys, buildKeyAssertion(keys)),
});
