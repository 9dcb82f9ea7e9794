/**
 * OAuth2 client credentials with an assertion that the shared secret signs (RFC 7523, section 2.2).
 *
 * @module
 */
import { z } from "zod";
import { scheme } from "../scheme.ts";
import { assertionKeys, assertionOf } from "./assertion_keys.ts";
import { HMAC_ALGORITHMS } from "./client_authentication.ts";
import { clientSecretKey } from "./client_secret.ts";
import {
  clientCredentialsOf,
  clientCredentialsProviders,
  clientCredentialsReach,
  tokenRequestKeys,
  tokenRequestRules,
  tokenRequestWarnings,
} from "./token_request.ts";

/** Client credentials with an assertion signed with the client's secret. */
export const clientSecretJwt = scheme({
  title: "OAuth2 with client_secret_jwt",
  description: "OAuth2 client credentials grant with an assertion that the client's secret signs.",
  chosenBy: {
    ProviderType: clientCredentialsProviders,
    ClientAuthentication: ["client_secret_jwt"],
  },
  keys: {
    ...tokenRequestKeys,
    ClientAuthentication: z.literal("client_secret_jwt").describe(
      "The secret signs an assertion and is not sent",
    ),
    ClientSecret: clientSecretKey,
    AssertionAlgorithm: z.enum(HMAC_ALGORITHMS).default("HS256").describe(
      "Signature algorithm of the assertion",
    ),
    ...assertionKeys,
  },
  rules: tokenRequestRules,
  warnings(keys) {
    // RFC 7518, section 3.2: a key at least as long as the hash. Providers hand out shorter ones.
    const { ClientSecret: secret, AssertionAlgorithm: algorithm } = keys;
    const leastBytes = Number(algorithm.slice("HS".length)) / 8;
    const isShort = new TextEncoder().encode(secret.reveal()).length < leastBytes;
    const message = `is shorter than the ${leastBytes} bytes that ${algorithm} wants (RFC 7518)`;
    return [...tokenRequestWarnings(keys), ...(isShort ? [{ key: "ClientSecret", message }] : [])];
  },
  credentials: (keys) =>
    clientCredentialsOf(keys, {
      method: "client_secret_jwt",
      clientSecret: keys.ClientSecret,
      algorithm: keys.AssertionAlgorithm,
      assertion: assertionOf(keys),
    }),
  reach: clientCredentialsReach,
});
