/**
 * OAuth2 client credentials with an assertion that the shared secret signs (RFC 7523, section 2.2).
 */
import { z } from "zod";
import { assertionKeys, assertionOf } from "./assertion_keys.ts";
import { HMAC_ALGORITHMS } from "./client_authentication.ts";
import { clientCredentialsScheme } from "./client_credentials_scheme.ts";
import { clientSecretKey } from "./client_secret.ts";

const method = "client_secret_jwt";

export const clientSecretJwt = clientCredentialsScheme({
  title: "OAuth2 with client_secret_jwt",
  description: "OAuth2 client credentials grant with an assertion that the client's secret signs.",
  keys: {
    ClientAuthentication: z.literal(method).describe(
      "The secret signs an assertion and is not sent",
    ),
    ClientSecret: clientSecretKey,
    AssertionAlgorithm: z.enum(HMAC_ALGORITHMS).default("HS256").describe(
      "Signature algorithm of the assertion",
    ),
    ...assertionKeys,
  },
  warnings({ ClientSecret: secret, AssertionAlgorithm: algorithm }) {
    // RFC 7518, section 3.2: a key at least as long as the hash. Providers issue shorter ones.
    const leastBytes = Number(algorithm.slice("HS".length)) / 8;
    if (new TextEncoder().encode(secret.reveal()).length >= leastBytes) return [];
    const message = `is shorter than the ${leastBytes} bytes that ${algorithm} wants (RFC 7518)`;
    return [{ key: "ClientSecret", message }];
  },
  authentication: (keys) => ({
    method,
    clientSecret: keys.ClientSecret,
    algorithm: keys.AssertionAlgorithm,
    assertion: assertionOf(keys),
  }),
});
