/**
 * SMART Backend Services (HL7 SMART App Launch 2): client credentials with a signed assertion; the token
 * endpoint is discovered from the base URL of the FHIR server.
 */
import { z } from "zod";
import { lowerCaseNames } from "../../values/header_values.ts";
import { httpUrl, text, visibleAscii, whole } from "../../values/value_schemas.ts";
import { scheme } from "../scheme.ts";
import { tokenKeys, tokenUseOf, validationRules, validationWarnings } from "../token_validation.ts";
import {
  algorithmRule,
  certificateRule,
  certificateWarnings,
  keyAssertionOf,
  privateKeyKeys,
} from "./assertion_keys.ts";
import {
  allowedHosts,
  discoveryOf,
  discoveryRule,
  endpointWarnings,
  isNoMetadataUrl,
  NO_METADATA_URL,
} from "./discovery.ts";
import {
  type ClientCredentials,
  clientCredentialsReach,
  dpopKey,
  tokenHeadersKey,
  tokenParametersKey,
} from "./token_request.ts";

export const smart = scheme({
  title: "SMART",
  description: "SMART Backend Services: a signed assertion, RS384 or ES384.",
  keys: {
    ProviderType: z.literal("smart").describe("SMART Backend Services"),
    SmartBaseUrl: httpUrl().refine(isNoMetadataUrl, NO_METADATA_URL).optional().describe(
      "Base URL of the FHIR server: the token endpoint is taken from its " +
        "`.well-known/smart-configuration`. Required unless `TokenEndpoint` is set",
    ),
    TokenEndpoint: httpUrl({ query: true }).optional().describe(
      "URL of the token endpoint, in place of `SmartBaseUrl`",
    ),
    AllowedHosts: allowedHosts.optional(),
    ClientId: visibleAscii().describe("The client's identifier at the provider"),
    Scope: text().describe("Scopes to ask for, separated by blanks, such as `system/*.rs`"),
    TokenParameters: tokenParametersKey,
    TokenHeaders: tokenHeadersKey,
    DPoP: dpopKey,
    ...privateKeyKeys,
    AssertionAlgorithm: privateKeyKeys.AssertionAlgorithm.describe(
      "Signature algorithm. Default: RS384 of an RSA key, ES384 of a P-384 key",
    ),
    AssertionAudience: privateKeyKeys.AssertionAudience.describe(
      "`aud` of the assertion; default: the token endpoint",
    ),
    // SMART App Launch, Backend Services: "no more than five minutes in the future".
    AssertionLifetimeSeconds: whole(10, 300).default(120).describe(
      "Lifetime of an assertion; SMART allows 300 at most",
    ),
    ...tokenKeys,
  },
  rules: [
    (keys, complain) => {
      if ((keys.SmartBaseUrl ?? keys.TokenEndpoint) !== undefined) return;
      complain("SmartBaseUrl", "SMART needs SmartBaseUrl or TokenEndpoint");
    },
    discoveryRule("SmartBaseUrl"),
    algorithmRule,
    certificateRule,
    ...validationRules,
  ],
  warnings: (keys) => [
    ...endpointWarnings(keys),
    ...certificateWarnings(keys),
    ...validationWarnings(keys),
  ],
  credentials: (keys): ClientCredentials => ({
    kind: "client_credentials",
    provider: "smart",
    tokenEndpoint: keys.TokenEndpoint === undefined
      ? discoveryOf("smart", keys.SmartBaseUrl ?? "", keys.AllowedHosts)
      : new URL(keys.TokenEndpoint).href,
    clientId: keys.ClientId,
    clientAuthentication: keyAssertionOf(keys, { rsaAlgorithm: "RS384", alwaysKeyId: true }),
    scope: keys.Scope,
    audience: undefined,
    resource: undefined,
    tokenParameters: keys.TokenParameters,
    tokenHeaders: lowerCaseNames(keys.TokenHeaders),
    dpop: keys.DPoP,
    ...tokenUseOf(keys),
  }),
  reach: clientCredentialsReach,
});
