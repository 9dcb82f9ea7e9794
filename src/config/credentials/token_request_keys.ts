/**
 * The keys of the client credentials grant (RFC 6749, section 4.4) that do not depend on how the
 * client shows who it is. For Azure, endpoint and scope can be derived.
 *
 * @module
 */
import { z } from "zod";
import type { ClientAuthentication } from "../client_authentication_config.ts";
import type { ClientCredentials } from "../gateway_config.ts";
import { type ProviderName, providerOf } from "../identity_provider.ts";
import { type RawKeys, rawKeys, type ReadContext } from "../read_context.ts";
import { flag, httpUrl, text } from "../value_schemas.ts";
import { buildDiscovery, checkDiscovery, discoveryKeys } from "./discovery_keys.ts";
import {
  AZURE_DICOM_SCOPE,
  checkEntra,
  entraKeys,
  entraScope,
  entraTokenEndpoint,
  isEntra,
} from "./entra.ts";
import { buildTokenRules, checkTokenKeys, tokenKeys } from "./token_keys.ts";

/** The values of `ProviderType` that mean the client credentials grant. */
export const clientCredentialsProviders = [
  "auto",
  "azure",
  "google",
  "keycloak",
  "auth0",
  "okta",
  "pingone",
  "generic",
] as const;

/** Parameters that have a key of their own or that the gateway must set itself. */
const RESERVED: ReadonlySet<string> = new Set([
  "grant_type",
  "client_id",
  "client_secret",
  "client_assertion",
  "client_assertion_type",
  "scope",
  "audience",
  "resource",
]);

/** `TokenParameters`, also of ways that have no other key of these. */
export const tokenParametersKey = z.record(z.string(), z.string()).default({}).describe(
  "Further parameters of the token request, by name",
);

/** `DPoP`. */
export const dpopKey = flag().default(false).describe(
  "Bind tokens to a key that each worker makes for itself (RFC 9449). Tokens are then not shared " +
    "between workers or replicas",
);

/** Keys of the client credentials grant. */
export const tokenRequestKeys = {
  ProviderType: z.enum(clientCredentialsProviders).default("auto").describe(
    "The identity provider. `azure` derives `TokenEndpoint` and `Scope` from `TenantId` and `Cloud`; " +
      "`auto` does so where `TenantId` stands without `TokenEndpoint` or that is at a host of Entra " +
      "ID. The others only say whose advice to give when a token is refused, where the host does not " +
      "tell",
  ),
  TokenEndpoint: httpUrl({ query: true }).optional().describe(
    "URL of the token endpoint. Required unless `Issuer` is set or Azure's can be derived from " +
      "`TenantId`",
  ),
  ...discoveryKeys,
  ...entraKeys,
  ClientId: text().describe("The client's identifier at the provider"),
  Scope: z.string().optional().describe(
    `Scopes to ask for, separated by blanks. For Azure \`${AZURE_DICOM_SCOPE}\` unless given`,
  ),
  Audience: text().optional().describe("Parameter `audience` of the token request (Auth0)"),
  Resource: text().optional().describe("Parameter `resource` of the token request (RFC 8707)"),
  TokenParameters: tokenParametersKey,
  DPoP: dpopKey,
  ...tokenKeys,
};

/**
 * Checks what the keys mean together.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkTokenRequest(raw: RawKeys, context: ReadContext): void {
  const { path, report } = context;
  const { TokenEndpoint: endpoint, Issuer: issuer, TenantId: tenant } = raw;
  if (
    endpoint === undefined && issuer === undefined && !(isEntra(raw) && tenant !== undefined)
  ) {
    const how = isEntra(raw) ? "TenantId or TokenEndpoint" : "TokenEndpoint or Issuer";
    report.add(
      "CFG-001",
      [...path, "TokenEndpoint"],
      `OAuth2 needs ${how}`,
    );
  }
  checkEntra(raw, context);
  // Auth0 gives a client without an API no token, whatever the tenant's default audience is.
  if (providerIn(raw) === "auth0" && (raw["Audience"] ?? raw["Resource"]) === undefined) {
    report.add("CFG-001", [...path, "Audience"], "Auth0 needs Audience: the API's identifier");
  }
  checkDiscovery(raw, "Issuer", context);
  checkTokenParameters(raw, context);
  checkTokenKeys(raw, context);
}

/**
 * Checks that no further parameter stands in for a key.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkTokenParameters(raw: RawKeys, { path, report }: ReadContext): void {
  for (const name of Object.keys(rawKeys(raw["TokenParameters"]))) {
    if (RESERVED.has(name)) {
      report.add(
        "CFG-002",
        [...path, "TokenParameters", name],
        "has a key of its own or is set by the gateway; remove it",
      );
    }
  }
}

/**
 * Makes the token request's configuration.
 *
 * @param keys The keys, checked.
 * @param clientAuthentication How the client shows who it is.
 * @returns The credentials.
 */
export function buildClientCredentials(
  keys: z.output<z.ZodObject<typeof tokenRequestKeys>>,
  clientAuthentication: ClientAuthentication,
): ClientCredentials {
  const endpoint = keys.TokenEndpoint ?? entraTokenEndpoint(keys.TenantId ?? "", keys.Cloud);
  const issuer = keys.TokenEndpoint === undefined ? keys.Issuer : undefined;
  return {
    kind: "client_credentials",
    provider: providerIn(keys),
    tokenEndpoint: issuer === undefined
      ? new URL(endpoint).href
      : buildDiscovery("issuer", issuer, keys.AllowedHosts),
    clientId: keys.ClientId,
    clientAuthentication,
    scope: keys.Scope || entraScope(keys),
    audience: keys.Audience,
    resource: keys.Resource,
    tokenParameters: keys.TokenParameters,
    dpop: keys.DPoP,
    ...buildTokenRules(keys),
  };
}

/** The provider, as far as the configuration tells. */
function providerIn(raw: RawKeys): ProviderName | undefined {
  const { ProviderType: type, TokenEndpoint: endpoint, Issuer: issuer } = raw;
  switch (type) {
    case "azure":
    case "google":
    case "keycloak":
    case "auth0":
    case "okta":
    case "pingone":
      return type;
    default:
      return isEntra(raw) ? "azure" : providerOf(String(endpoint ?? issuer ?? ""));
  }
}
