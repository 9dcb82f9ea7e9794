/**
 * OAuth2 client credentials with an assertion that the shared secret signs (RFC 7523, section 2.2).
 *
 * @module
 */
import { z } from "zod";
import { HMAC_ALGORITHMS, type HmacAlgorithm } from "../client_authentication_config.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { Secret } from "../secret.ts";
import { text } from "../value_schemas.ts";
import { assertionKeys, buildAssertion } from "./assertion_keys.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import {
  buildClientCredentials,
  checkTokenRequest,
  clientCredentialsProviders,
  tokenRequestKeys,
} from "./token_request_keys.ts";

const DEFAULT_ALGORITHM: HmacAlgorithm = "HS256";

/** Client credentials with an assertion signed with the client's secret. */
export const clientSecretJwt: SigningWay = signingWay({
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
    ClientSecret: text().describe(
      "The client's secret; better `${NAME}` or `${file:PATH}` than the secret itself",
    ),
    AssertionAlgorithm: z.enum(HMAC_ALGORITHMS).default(DEFAULT_ALGORITHM).describe(
      "Signature algorithm of the assertion",
    ),
    ...assertionKeys,
  },
  check(raw, context) {
    checkTokenRequest(raw, context);
    checkSecretLength(raw, context);
  },
  build: (keys) =>
    buildClientCredentials(keys, {
      method: "client_secret_jwt",
      clientSecret: new Secret(keys.ClientSecret),
      algorithm: keys.AssertionAlgorithm,
      assertion: buildAssertion(keys),
    }),
});

/** RFC 7518, section 3.2: a key at least as long as the hash. Providers hand out shorter ones. */
function checkSecretLength(raw: RawKeys, { path, report }: ReadContext): void {
  const { ClientSecret: secret, AssertionAlgorithm: algorithm = DEFAULT_ALGORITHM } = raw;
  const leastBytes = Number(/^HS(\d{3})$/.exec(String(algorithm))?.[1] ?? 0) / 8;
  if (typeof secret === "string" && new TextEncoder().encode(secret).length < leastBytes) {
    const message = `is shorter than the ${leastBytes} bytes that ${algorithm} wants (RFC 7518)`;
    report.warn([...path, "ClientSecret"], message);
  }
}
