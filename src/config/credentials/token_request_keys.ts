/**
 * The keys of the client credentials grant (RFC 6749, section 4.4) that do not depend on how the
 * client shows who it is. For Azure, endpoint and scope can be derived.
 *
 * @module
 */
import { z } from "zod";
import type { ClientAuthentication } from "../client_authentication_config.ts";
import type { ClientCredentials } from "../gateway_config.ts";
import { isLoopback } from "../host_names.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { httpUrl, text } from "../value_schemas.ts";
import { AZURE_DICOM_SCOPE, entraTokenEndpoint, isEntra } from "./entra.ts";
import { buildTokenRules, checkTokenKeys, tokenKeys } from "./token_keys.ts";

/** The values of `ProviderType` that mean the client credentials grant. */
export const clientCredentialsProviders = [
  "auto",
  "azure",
  "google",
  "keycloak",
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

/** Keys of the client credentials grant. */
export const tokenRequestKeys = {
  ProviderType: z.enum(clientCredentialsProviders).default("auto").describe(
    "The identity provider. `azure` derives `TokenEndpoint` and `Scope` from `TenantId`; `auto` does " +
      "so where `TenantId` stands without `TokenEndpoint` or that is at a host of Entra ID",
  ),
  TokenEndpoint: httpUrl({ query: true }).optional().describe(
    "URL of the token endpoint. Required unless Azure's can be derived from `TenantId`",
  ),
  TenantId: z.string().regex(/^[A-Za-z0-9.-]+$/, "must be a tenant's identifier or domain")
    .optional().describe("Tenant of Microsoft Entra ID (Azure)"),
  ClientId: text().describe("The client's identifier at the provider"),
  Scope: z.string().optional().describe(
    `Scopes to ask for, separated by blanks. For Azure \`${AZURE_DICOM_SCOPE}\` unless given`,
  ),
  Audience: text().optional().describe("Parameter `audience` of the token request (Auth0)"),
  Resource: text().optional().describe("Parameter `resource` of the token request (RFC 8707)"),
  TokenParameters: z.record(z.string(), z.string()).default({}).describe(
    "Further parameters of the token request, by name",
  ),
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
  const { TokenEndpoint: endpoint, TenantId: tenant, TokenParameters: parameters } = raw;
  if (endpoint === undefined && !(isEntra(raw) && tenant !== undefined)) {
    const how = isEntra(raw) ? "TenantId or TokenEndpoint" : "TokenEndpoint";
    report.add(
      "CFG-001",
      [...path, "TokenEndpoint"],
      `OAuth2 needs ${how}`,
    );
  }
  if (tenant !== undefined && !isEntra(raw)) {
    report.add(
      "CFG-002",
      [...path, "TenantId"],
      'belongs to ProviderType "azure" or a TokenEndpoint at a host of Entra ID; remove it',
    );
  }
  if (typeof parameters === "object" && parameters !== null) {
    for (const name of Object.keys(parameters)) {
      if (RESERVED.has(name)) {
        report.add(
          "CFG-002",
          [...path, "TokenParameters", name],
          "has a key of its own or is set by the gateway; remove it",
        );
      }
    }
  }
  if (
    typeof endpoint === "string" && URL.canParse(endpoint) &&
    new URL(endpoint).protocol === "http:" && !isLoopback(new URL(endpoint).hostname)
  ) {
    report.warn(
      [...path, "TokenEndpoint"],
      "the client's credential and the token travel unencrypted; use https:// if possible",
    );
  }
  checkTokenKeys(raw, context);
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
  const entra = isEntra(keys);
  const endpoint = keys.TokenEndpoint ?? entraTokenEndpoint(keys.TenantId ?? "");
  const derivedScope = entra && keys.Resource === undefined ? AZURE_DICOM_SCOPE : undefined;
  return {
    kind: "client_credentials",
    tokenEndpoint: new URL(endpoint).href,
    clientId: keys.ClientId,
    clientAuthentication,
    scope: keys.Scope || derivedScope,
    audience: keys.Audience,
    resource: keys.Resource,
    tokenParameters: keys.TokenParameters,
    ...buildTokenRules(keys, keys.TenantId),
  };
}
