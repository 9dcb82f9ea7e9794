/**
 * The keys of the client credentials grant (RFC 6749, section 4.4) that are independent of how the
 * client authenticates. For Azure, endpoint and scope can be derived.
 */
import { z } from "zod";
import { headerValues, lowerCaseNames } from "../../values/header_values.ts";
import { type Complain, type Rule, withRule } from "../../values/keys_of.ts";
import type { Secret } from "../../values/secret.ts";
import {
  ALWAYS_SECRET,
  flag,
  httpUrl,
  secretKinds,
  text,
  visibleAscii,
} from "../../values/value_schemas.ts";
import {
  AZURE_DICOM_SCOPE,
  entraKeys,
  entraRule,
  entraScope,
  entraTokenEndpoint,
  isEntra,
  tenantFault,
} from "../azure/entra.ts";
import type { Reach, Warning } from "../scheme.ts";
import {
  keysReach,
  tokenKeys,
  type TokenUse,
  tokenUseOf,
  validationRules,
  validationWarnings,
} from "../token_validation.ts";
import type { ClientAuthentication } from "./client_authentication.ts";
import {
  type DiscoveryConfig,
  discoveryKeys,
  discoveryOf,
  discoveryRule,
  endpointUrls,
  endpointWarnings,
} from "./discovery.ts";
import { type ProviderName, providerOf } from "./identity_provider.ts";

/** OAuth2 client credentials grant (RFC 6749, section 4.4). */
export interface ClientCredentials extends TokenUse {
  readonly kind: "client_credentials";
  /** The provider whose advice is given, if known. */
  readonly provider?: ProviderName | undefined;
  /** URL of the token endpoint, or where to discover it. */
  readonly tokenEndpoint: string | DiscoveryConfig;
  readonly clientId: string;
  readonly clientAuthentication: ClientAuthentication;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  readonly resource: string | undefined;
  readonly tokenParameters: Readonly<Record<string, string>>;
  /** Headers of the token request, with names in lower case. */
  readonly tokenHeaders?: Readonly<Record<string, Secret>>;
  /** Bind tokens to a key of this process (RFC 9449). */
  readonly dpop?: boolean | undefined;
}

const providers = [
  "auto",
  "azure",
  "google",
  "keycloak",
  "auth0",
  "okta",
  "pingone",
  "generic",
] as const;

/** Parameters with a key of their own, and those that the gateway must set. */
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

/** `TokenParameters`. Some providers require secrets in it. */
export const tokenParametersKey = withRule(
  z.record(z.string(), z.string().register(secretKinds, ALWAYS_SECRET)),
  (parameters, complain) => {
    for (const name of Object.keys(parameters).filter((name) => RESERVED.has(name))) {
      complain(name, "has a key of its own or is set by the gateway; remove it");
    }
  },
).default({}).describe("Further parameters of the token request, by name");

export const tokenHeadersKey = headerValues(["accept", "authorization", "dpop", "user-agent"])
  .optional()
  .describe(
    "Headers of the token request, such as the key of an API gateway in front of the token endpoint; " +
      "also of requests for the discovery document and the key set at its origin. `Headers` are those " +
      "of requests to the store",
  );

export const dpopKey = flag().default(false).describe(
  "Bind tokens to a key that each worker generates (RFC 9449). Tokens are then not shared " +
    "between workers or replicas",
);

export const tokenRequestKeys = {
  ProviderType: z.enum(providers).default("auto").describe(
    "The identity provider. `azure` derives `TokenEndpoint` and `Scope` from `TenantId` and `Cloud`; " +
      "`auto` does so if `TenantId` is set without `TokenEndpoint` or that is at a host of Entra " +
      "ID. The others select the advice for the provider's errors, if its host does not identify it; " +
      "with `auth0` `Audience` is required",
  ),
  TokenEndpoint: httpUrl({ query: true }).optional().describe(
    "URL of the token endpoint. Required unless `Issuer` is set or Azure's can be derived from " +
      "`TenantId`",
  ),
  ...discoveryKeys,
  ...entraKeys,
  ClientId: visibleAscii().describe("The client's identifier at the provider"),
  Scope: z.string().optional().describe(
    `Scopes to ask for, separated by blanks. For Azure \`${AZURE_DICOM_SCOPE}\` by default`,
  ),
  Audience: text().optional().describe("Parameter `audience` of the token request (Auth0)"),
  Resource: text().optional().describe("Parameter `resource` of the token request (RFC 8707)"),
  TokenParameters: tokenParametersKey,
  TokenHeaders: tokenHeadersKey,
  DPoP: dpopKey,
  ...tokenKeys,
};

export type TokenRequestKeys = z.output<z.ZodObject<typeof tokenRequestKeys>>;

export const tokenRequestRules = [
  endpointRule,
  entraRule,
  tenantRule("TokenEndpoint"),
  tenantRule("Issuer"),
  audienceRule,
  discoveryRule("Issuer"),
  ...validationRules,
] as const;

/** A URL of Entra ID must be that of one tenant. */
function tenantRule(key: "TokenEndpoint" | "Issuer"): Rule<TokenRequestKeys> {
  return ({ [key]: url = "" }, complain) => {
    const fault = tenantFault(url);
    if (fault !== undefined) complain(key, fault);
  };
}

function endpointRule(keys: TokenRequestKeys, complain: Complain): void {
  const { TokenEndpoint: endpoint, Issuer: issuer, TenantId: tenant } = keys;
  if (endpoint !== undefined || issuer !== undefined) return;
  if (isEntra(keys) && tenant !== undefined) return;
  const how = isEntra(keys) ? "TenantId or TokenEndpoint" : "TokenEndpoint or Issuer";
  complain("TokenEndpoint", `OAuth2 needs ${how}`);
}

/** Auth0 issues no token without an audience, whatever the tenant's default is. */
function audienceRule(keys: TokenRequestKeys, complain: Complain): void {
  if (providerIn(keys) !== "auth0" || (keys.Audience ?? keys.Resource) !== undefined) return;
  complain("Audience", "Auth0 needs Audience: the API's identifier");
}

export function tokenRequestWarnings(keys: TokenRequestKeys): Warning[] {
  return [...endpointWarnings(keys), ...validationWarnings(keys)];
}

/** The credentials of a client with this authentication. */
export function clientCredentialsOf(
  keys: TokenRequestKeys,
  clientAuthentication: ClientAuthentication,
): ClientCredentials {
  const endpoint = keys.TokenEndpoint ?? entraTokenEndpoint(keys.TenantId ?? "", keys.Cloud);
  const issuer = keys.TokenEndpoint === undefined ? keys.Issuer : undefined;
  return {
    kind: "client_credentials",
    provider: providerIn(keys),
    tokenEndpoint: issuer === undefined
      ? new URL(endpoint).href
      : discoveryOf("issuer", issuer, keys.AllowedHosts),
    clientId: keys.ClientId,
    clientAuthentication,
    scope: keys.Scope || entraScope(keys),
    audience: keys.Audience,
    resource: keys.Resource,
    tokenParameters: keys.TokenParameters,
    tokenHeaders: lowerCaseNames(keys.TokenHeaders),
    dpop: keys.DPoP,
    ...tokenUseOf(keys),
  };
}

export function clientCredentialsReach(credentials: ClientCredentials): Partial<Reach> {
  const endpoint = endpointUrls(credentials.tokenEndpoint);
  const keys = keysReach(credentials.tokenValidation);
  const { clientAuthentication: client } = credentials;
  return {
    urls: [...endpoint.urls, ...keys.urls],
    possibleUrls: [...endpoint.possibleUrls, ...keys.possibleUrls],
    files: client.method === "federated_token" ? [client.file] : [],
  };
}

/** The provider, if the configuration identifies it. */
function providerIn(keys: TokenRequestKeys): ProviderName | undefined {
  if (keys.ProviderType !== "auto" && keys.ProviderType !== "generic") return keys.ProviderType;
  return isEntra(keys) ? "azure" : providerOf(keys.TokenEndpoint ?? keys.Issuer ?? "");
}
