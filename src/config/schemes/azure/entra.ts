/**
 * What can be derived for Microsoft Entra ID (Azure) from tenant and cloud: endpoint, scope, and the
 * signing keys, issuers and audience of its tokens. `auto` recognizes it by the exact host, never by a
 * part of it.
 */
import { z } from "zod";
import { withoutTrailing } from "../../../dicomweb/without_trailing.ts";
import type { Complain } from "../../values/keys_of.ts";

/** The end of scopes that name an audience. */
export const DEFAULT_SCOPE = "/.default";

/** Scope of the DICOM service of Azure Health Data Services in the public cloud. */
export const AZURE_DICOM_SCOPE = "https://dicom.healthcareapis.azure.com/.default";

const clouds = ["public", "usgovernment", "china"] as const;

type AzureCloud = (typeof clouds)[number];

/**
 * The authorities of the clouds, and their issuers of version 1.0 tokens.
 * Source: learn.microsoft.com/entra/identity-platform/authentication-national-cloud, docs.azure.cn.
 */
const AUTHORITIES: Readonly<Record<AzureCloud, { host: string; v1Issuer: string }>> = {
  public: { host: "login.microsoftonline.com", v1Issuer: "https://sts.windows.net" },
  usgovernment: { host: "login.microsoftonline.us", v1Issuer: "https://sts.windows.net" },
  china: { host: "login.partner.microsoftonline.cn", v1Issuer: "https://sts.chinacloudapi.cn" },
};

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * What documents and URLs of several tenants have in the place of a tenant. A token is always of one:
 * learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
 */
const NO_TENANT =
  /^(?:common|organizations|consumers|(?:your[-_]?)?tenant[-_]?(?:id|name)|your[-_]?tenant|[{<].*)$/i;

const ONE_TENANT = "must name one tenant: write the GUID of yours (Directory ID) in place of " +
  "common, organizations, consumers or {tenantid}";

/** What is wrong with a URL of Entra ID that names no tenant, such as an issuer; or any text. */
export function tenantFault(url: string): string | undefined {
  const [, host = "", tenant = ""] = /^https:\/\/([^/]+)\/([^/]+)/i.exec(url) ?? [];
  const isEntra = Object.values(AUTHORITIES).some((authority) =>
    [authority.host, new URL(authority.v1Issuer).host].includes(host.toLowerCase())
  );
  return isEntra && NO_TENANT.test(tenant) ? ONE_TENANT : undefined;
}

/** The keys that are only for Entra ID. */
export const entraKeys = {
  TenantId: z.string().regex(/^[A-Za-z0-9.-]+$/, "must be the GUID or domain of a tenant")
    .optional().describe("Tenant of Microsoft Entra ID (Azure)"),
  Cloud: z.enum(clouds).optional().describe(
    "Cloud of Azure that the tenant belongs to; default: from `TokenEndpoint`, else `public`. In " +
      "the others `Scope` is needed, too",
  ),
};

/** The parsed keys that determine whether and how tokens come from Entra ID. */
export interface EntraKeys {
  readonly ProviderType: string;
  readonly TokenEndpoint?: string | undefined;
  readonly TenantId?: string | undefined;
  readonly Cloud?: AzureCloud | undefined;
  readonly Scope?: string | undefined;
  readonly Resource?: string | undefined;
}

/** Whether tokens come from Entra ID: by `ProviderType`, or for `auto` by the other keys. */
export function isEntra(keys: EntraKeys): boolean {
  const { ProviderType: type, TokenEndpoint: endpoint, TenantId: tenant } = keys;
  if (type !== "auto") return type === "azure";
  if (endpoint === undefined) return tenant !== undefined;
  return cloudAt(endpoint) !== undefined;
}

function entraCloud({ Cloud: cloud, TokenEndpoint: endpoint }: EntraKeys): AzureCloud {
  return cloud ?? cloudAt(endpoint) ?? "public";
}

/** The default scope: that of the DICOM service, where it is known. */
export function entraScope(keys: EntraKeys): string | undefined {
  return isEntra(keys) && entraCloud(keys) === "public" && keys.Resource === undefined
    ? AZURE_DICOM_SCOPE
    : undefined;
}

export function entraRule(keys: EntraKeys, complain: Complain): void {
  if (!isEntra(keys)) {
    for (const key of ["TenantId", "Cloud"] as const) {
      if (keys[key] === undefined) continue;
      const owner = 'belongs to ProviderType "azure" or a TokenEndpoint at a host of Entra ID';
      complain(key, `${owner}; remove it`);
    }
    return;
  }
  if (NO_TENANT.test(keys.TenantId ?? "")) complain("TenantId", ONE_TENANT, "CFG-002");
  const at = cloudAt(keys.TokenEndpoint);
  if (keys.Cloud !== undefined && at !== undefined && at !== keys.Cloud) {
    complain("Cloud", `is not that of TokenEndpoint, which is "${at}"`);
  }
  if (entraCloud(keys) !== "public" && !keys.Scope && keys.Resource === undefined) {
    complain(
      "Scope",
      "Azure needs Scope in a cloud other than the public one: the audience of the DICOM service " +
        "there, followed by /.default",
    );
  }
}

/** The token endpoint of a tenant (version 2.0). */
export function entraTokenEndpoint(tenantId: string, cloud: AzureCloud = "public"): string {
  return tokenEndpointAt(`https://${AUTHORITIES[cloud].host}`, tenantId);
}

/** The token endpoint of a tenant at the URL of an authority, with or without a trailing slash. */
export function tokenEndpointAt(authority: string, tenantId: string): string {
  return `${withoutTrailing(authority, "/")}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
}

/** Keys and issuers of a server's tokens; `undefined` unless they come from a tenant of Entra ID. */
export function entraTokens(keys: EntraKeys): {
  /** The tenant's JWK Set. */
  readonly keysUrl: string;
  /**
   * The `iss` claims of version 2.0 and 1.0 tokens: the API decides which one a token has. Empty unless
   * the tenant is configured by its GUID, which they contain.
   */
  readonly issuers: readonly string[];
} | undefined {
  if (!isEntra(keys)) return undefined;
  const endpoint = URL.parse(
    keys.TokenEndpoint ?? entraTokenEndpoint(keys.TenantId ?? "", entraCloud(keys)),
  );
  const tenant = endpoint?.pathname.split("/")[1];
  if (endpoint === null || tenant === undefined || tenant === "") return undefined;
  const cloud = cloudAt(endpoint.href);
  const issuers = [
    `${endpoint.origin}/${tenant}/v2.0`,
    ...(cloud === undefined ? [] : [`${AUTHORITIES[cloud].v1Issuer}/${tenant}/`]),
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
  return scope?.endsWith(DEFAULT_SCOPE) ? withoutDefaultScope(scope) : undefined;
}

/** The audience of a scope: all before `/.default`. */
export function withoutDefaultScope(scope: string): string {
  return scope.endsWith(DEFAULT_SCOPE) ? scope.slice(0, -DEFAULT_SCOPE.length) : scope;
}

/** The cloud of a token endpoint, by the exact host. */
function cloudAt(endpoint: string | undefined): AzureCloud | undefined {
  const hostname = URL.parse(endpoint ?? "")?.hostname;
  return clouds.find((cloud) => AUTHORITIES[cloud].host === hostname);
}
