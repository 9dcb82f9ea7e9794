/**
 * SMART Backend Services (HL7 SMART App Launch 2): client credentials with a signed assertion, the
 * token endpoint found from the base URL of the FHIR server.
 *
 * @module
 */
import { z } from "zod";
import type { DiscoveryConfig } from "../discovery_config.ts";
import { httpUrl, text, whole } from "../value_schemas.ts";
import { buildKeyAssertion, checkPrivateKeys, privateKeyKeys } from "./assertion_keys.ts";
import { allowedHosts, buildDiscovery, checkDiscovery } from "./discovery_keys.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import { buildTokenRules, checkTokenKeys, tokenKeys } from "./token_keys.ts";
import { checkTokenParameters, dpopKey, tokenParametersKey } from "./token_request_keys.ts";

/** SMART Backend Services. */
export const smart: SigningWay = signingWay({
  title: "SMART",
  description: "SMART Backend Services: a signed assertion, RS384 or ES384.",
  chosenBy: { ProviderType: ["smart"] },
  keys: {
    ProviderType: z.literal("smart").describe("SMART Backend Services"),
    SmartBaseUrl: httpUrl().optional().describe(
      "Base URL of the FHIR server: the token endpoint is taken from its " +
        "`.well-known/smart-configuration`. Required unless `TokenEndpoint` is set",
    ),
    TokenEndpoint: httpUrl({ query: true }).optional().describe(
      "URL of the token endpoint, where it is not to be discovered",
    ),
    AllowedHosts: allowedHosts,
    ClientId: text().describe("The client's identifier at the provider"),
    Scope: text().describe("Scopes to ask for, separated by blanks, such as `system/*.rs`"),
    TokenParameters: tokenParametersKey,
    DPoP: dpopKey,
    ...privateKeyKeys,
    AssertionAlgorithm: privateKeyKeys.AssertionAlgorithm.describe(
      "Signature algorithm. Unless given: RS384 of an RSA key, ES384 of a P-384 key",
    ),
    AssertionAudience: privateKeyKeys.AssertionAudience.describe(
      "`aud` of the assertion; the token endpoint unless given",
    ),
    // SMART App Launch, Backend Services: "no more than five minutes in the future".
    AssertionLifetimeSeconds: whole(10, 300).default(120).describe(
      "How long an assertion is good for",
    ),
    ...tokenKeys,
  },
  check(raw, context) {
    const { path, report } = context;
    if (raw["SmartBaseUrl"] === undefined && raw["TokenEndpoint"] === undefined) {
      report.add("CFG-001", [...path, "SmartBaseUrl"], "SMART needs SmartBaseUrl or TokenEndpoint");
    }
    checkDiscovery(raw, "SmartBaseUrl", context);
    checkTokenParameters(raw, context);
    checkPrivateKeys(raw, context);
    checkTokenKeys(raw, context);
  },
  build: (keys) => ({
    kind: "client_credentials",
    provider: "smart",
    tokenEndpoint: tokenEndpoint(keys),
    clientId: keys.ClientId,
    clientAuthentication: buildKeyAssertion(keys, { rsaAlgorithm: "RS384", alwaysKeyId: true }),
    scope: keys.Scope,
    audience: undefined,
    resource: undefined,
    tokenParameters: keys.TokenParameters,
    dpop: keys.DPoP,
    ...buildTokenRules(keys),
  }),
});

function tokenEndpoint(keys: {
  readonly SmartBaseUrl?: string | undefined;
  readonly TokenEndpoint?: string | undefined;
  readonly AllowedHosts: readonly string[];
}): string | DiscoveryConfig {
  return keys.TokenEndpoint === undefined
    ? buildDiscovery("smart", keys.SmartBaseUrl ?? "", keys.AllowedHosts)
    : new URL(keys.TokenEndpoint).href;
}
