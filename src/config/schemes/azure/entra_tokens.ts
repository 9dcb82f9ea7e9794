/**
 * Signing keys, issuers and audience of the access tokens of Microsoft Entra ID (Azure), as far as they
 * follow from the configuration of a server.
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

interface EntraTokens {
  /** The tenant's JWK Set. */
  readonly keysUrl: string;
  /**
   * The `iss` claims of version 2.0 and 1.0 tokens: the API decides which one a token has. Empty unless
   * the tenant is configured by its GUID, which they contain.
   */
  readonly issuers: readonly string[];
}

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Issuers of version 1.0 tokens, by authority. */
const V1_ISSUERS: Readonly<Record<string, string>> = {
  "login.microsoftonline.com": "https://sts.windows.net",
  "login.microsoftonline.us": "https://sts.windows.net",
  "login.partner.microsoftonline.cn": "https://sts.chinacloudapi.cn",
};

/** Keys and issuers of a server's tokens; `undefined` unless they come from a tenant of Entra ID. */
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

/** The `aud` claim of tokens: the scope without `/.default`; `undefined` for scopes of another form. */
export function entraAudience(keys: EntraKeys): string | undefined {
  const isManaged = keys.ProviderType === "azuremanagedidentity";
  if (!isManaged && !isEntra(keys)) return undefined;
  if (keys.Resource !== undefined) return keys.Resource;
  const scope = keys.Scope || (isManaged ? AZURE_DICOM_SCOPE : entraScope(keys));
  return scope?.endsWith("/.default") ? scope.slice(0, -"/.default".length) : undefined;
}
