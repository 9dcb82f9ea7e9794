/**
 * What can be derived for Microsoft Entra ID (Azure) from tenant and cloud, and how `auto` recognizes
 * it: by the exact host, never by a part of it.
 *
 * @module
 */
import { z } from "zod";
import { withoutTrailing } from "../../../dicomweb/without_trailing.ts";
import type { Complain } from "../../values/keys_of.ts";

/** Scope of the DICOM service of Azure Health Data Services in the public cloud. */
export const AZURE_DICOM_SCOPE = "https://dicom.healthcareapis.azure.com/.default";

const clouds = ["public", "usgovernment", "china"] as const;

type AzureCloud = (typeof clouds)[number];

/**
 * The authorities of the clouds.
 * Source: learn.microsoft.com/entra/identity-platform/authentication-national-cloud, docs.azure.cn.
 */
const AUTHORITIES: Readonly<Record<AzureCloud, string>> = {
  public: "login.microsoftonline.com",
  usgovernment: "login.microsoftonline.us",
  china: "login.partner.microsoftonline.cn",
};

/** The keys that are only for Entra ID. */
export const entraKeys = {
  TenantId: z.string().regex(/^[A-Za-z0-9.-]+$/, "must be a tenant's identifier or domain")
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

export function entraCloud({ Cloud: cloud, TokenEndpoint: endpoint }: EntraKeys): AzureCloud {
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
  return tokenEndpointAt(`https://${AUTHORITIES[cloud]}`, tenantId);
}

/** The token endpoint of a tenant at the URL of an authority, with or without a trailing slash. */
export function tokenEndpointAt(authority: string, tenantId: string): string {
  return `${withoutTrailing(authority, "/")}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
}

/** The cloud of a token endpoint, by the exact host. */
function cloudAt(endpoint: string | undefined): AzureCloud | undefined {
  const hostname = URL.parse(endpoint ?? "")?.hostname;
  return clouds.find((cloud) => AUTHORITIES[cloud] === hostname);
}
