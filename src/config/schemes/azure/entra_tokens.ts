/**
 * What the access tokens of Microsoft Entra ID (Azure) say of where they come from and what they are
 * for, as far as the configuration of a server tells.
 *
 * @module
 */
import {
  AZURE_DICOM_SCOPE,
  entraCloud,
  type EntraKeys,
  entraScope,
  entraTokenEndpoint,
  isEntra,
} from "./entra.ts";

/** What a tenant's tokens are known by. */
export interface EntraTokens {
  /** The tenant's JWK Set. */
  readonly keysUrl: string;
  /**
   * The `iss` claims of version 2.0 and 1.0 tokens: which of them a token has is for the API to say
   * that it is for. None where the tenant is not given by its GUID: they hold nothing else.
   */
  readonly issuers: readonly string[];
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Who issues version 1.0 tokens, by authority. */
const V1_ISSUERS: Readonly<Record<string, string>> = {
  "login.microsoftonline.com": "https://sts.windows.net",
  "login.microsoftonline.us": "https://sts.windows.net",
  "login.partner.microsoftonline.cn": "https://sts.chinacloudapi.cn",
};

/**
 * What the tokens of a server's tenant are known by.
 *
 * @returns What is known; nothing where the server gets no tokens from a tenant of Entra ID.
 *
 * @example
 * ```ts
 * import { entraTokens } from "./entra_tokens.ts";
 * import assert from "node:assert/strict";
 *
 * const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
 * assert.deepEqual(entraTokens({ ProviderType: "azure", TenantId: tenant }), {
 *   keysUrl: `https://login.microsoftonline.com/${tenant}/discovery/v2.0/keys`,
 *   issuers: [
 *     `https://login.microsoftonline.com/${tenant}/v2.0`,
 *     `https://sts.windows.net/${tenant}/`,
 *   ],
 * });
 * ```
 */
export function entraTokens(keys: EntraKeys): EntraTokens | undefined {
  if (!isEntra(keys)) return undefined;
  const endpoint = URL.parse(
    keys.TokenEndpoint ?? entraTokenEndpoint(keys.TenantId ?? "", entraCloud(keys)),
  );
  const tenant = endpoint?.pathname.split("/")[1];
  if (endpoint === null || tenant === undefined || tenant === "") return undefined;
  const v1 = V1_ISSUERS[endpoint.hostname];
  const issuers = [
    `${endpoint.origin}/${tenant}/v2.0`,
    ...(v1 === undefined ? [] : [`${v1}/${tenant}/`]),
  ];
  return {
    keysUrl: `${endpoint.origin}/${tenant}/discovery/v2.0/keys`,
    issuers: GUID.test(tenant) ? issuers : [],
  };
}

/**
 * The `aud` claim of tokens for a scope: a `/.default` scope is the audience with that at its end.
 *
 * @returns The audience; nothing where the scope does not tell, or the provider is another.
 *
 * @example
 * ```ts
 * import { entraAudience } from "./entra_tokens.ts";
 * import assert from "node:assert/strict";
 *
 * const server = { ProviderType: "azure", TenantId: "contoso.example" };
 * assert.equal(entraAudience(server), "https://dicom.healthcareapis.azure.com");
 * assert.equal(entraAudience({ ...server, Scope: "api://store/.default" }), "api://store");
 * assert.equal(entraAudience({ ...server, Scope: "openid" }), undefined);
 * ```
 */
export function entraAudience(keys: EntraKeys): string | undefined {
  const isManaged = keys.ProviderType === "azuremanagedidentity";
  if (!isManaged && !isEntra(keys)) return undefined;
  if (keys.Resource !== undefined) return keys.Resource;
  const scope = keys.Scope || (isManaged ? AZURE_DICOM_SCOPE : entraScope(keys));
  return scope?.endsWith("/.default") ? scope.slice(0, -"/.default".length) : undefined;
}
