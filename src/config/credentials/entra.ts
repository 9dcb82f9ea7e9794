/**
 * What can be derived for Microsoft Entra ID (Azure) from tenant and cloud alone, and how `auto` tells
 * that a server is one of its own: by the exact host, never by a part of it.
 *
 * @module
 */
import { z } from "zod";
import { withoutTrailing } from "../../dicomweb/without_trailing.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";

/** Scope of the DICOM service of Azure Health Data Services in the public cloud. */
export const AZURE_DICOM_SCOPE = "https://dicom.healthcareapis.azure.com/.default";

const clouds = ["public", "usgovernment", "china"] as const;

/** A cloud of Azure. */
export type AzureCloud = (typeof clouds)[number];

/**
 * The authorities of the clouds.
 * Source: learn.microsoft.com/entra/identity-platform/authentication-national-cloud, docs.azure.cn.
 */
const AUTHORITIES: Readonly<Record<AzureCloud, string>> = {
  public: "login.microsoftonline.com",
  usgovernment: "login.microsoftonline.us",
  china: "login.partner.microsoftonline.cn",
};

/** The keys that only Entra ID has a meaning for. */
export const entraKeys = {
  TenantId: z.string().regex(/^[A-Za-z0-9.-]+$/, "must be a tenant's identifier or domain")
    .optional().describe("Tenant of Microsoft Entra ID (Azure)"),
  Cloud: z.enum(clouds).optional().describe(
    "Cloud of Azure that the tenant belongs to; `public` unless given or `TokenEndpoint` tells. In " +
      "the others `Scope` is needed, too",
  ),
};

/**
 * Whether a server gets its tokens from Entra ID.
 *
 * @param raw The server's keys as written.
 * @returns Whether `ProviderType` says so or, where it leaves that open, the other keys do.
 */
export function isEntra(raw: RawKeys): boolean {
  const { ProviderType: type = "auto", TokenEndpoint: endpoint, TenantId: tenant } = raw;
  if (type !== "auto") return type === "azure";
  if (endpoint === undefined) return tenant !== undefined;
  return cloudAt(endpoint) !== undefined;
}

/**
 * The cloud of Azure that a server's tokens come from.
 *
 * @param raw The server's keys as written.
 * @returns The cloud.
 */
export function entraCloud({ Cloud: cloud, TokenEndpoint: endpoint }: RawKeys): AzureCloud {
  return clouds.find((each) => each === cloud) ?? cloudAt(endpoint) ?? "public";
}

/**
 * The scope to ask for where the configuration names none.
 *
 * @param raw The server's keys as written.
 * @returns The scope of the DICOM service, or `undefined` where it is not known.
 */
export function entraScope(raw: RawKeys): string | undefined {
  return isEntra(raw) && entraCloud(raw) === "public" && raw["Resource"] === undefined
    ? AZURE_DICOM_SCOPE
    : undefined;
}

/**
 * Checks the keys of Entra ID against each other and against those of other providers.
 *
 * @param raw The server's keys as written.
 * @param context Where they stand.
 */
export function checkEntra(raw: RawKeys, { path, report }: ReadContext): void {
  const { Cloud: cloud, TokenEndpoint: endpoint, Scope: scope, Resource: resource } = raw;
  if (!isEntra(raw)) {
    for (const key of Object.keys(entraKeys).filter((key) => raw[key] !== undefined)) {
      const owner = 'belongs to ProviderType "azure" or a TokenEndpoint at a host of Entra ID';
      report.add("CFG-002", [...path, key], `${owner}; remove it`);
    }
    return;
  }
  const at = cloudAt(endpoint);
  if (cloud !== undefined && at !== undefined && at !== cloud) {
    report.add("CFG-002", [...path, "Cloud"], `is not that of TokenEndpoint, which is "${at}"`);
  }
  if (entraCloud(raw) !== "public" && !scope && resource === undefined) {
    report.add(
      "CFG-001",
      [...path, "Scope"],
      "Azure needs Scope in a cloud other than the public one: the audience of the DICOM service " +
        "there, with /.default at its end",
    );
  }
}

/**
 * The token endpoint of a tenant (version 2.0).
 *
 * @param tenantId The tenant's identifier or domain.
 * @param cloud The cloud that it belongs to.
 * @returns Its URL.
 *
 * @example
 * ```ts
 * import { entraTokenEndpoint } from "./entra.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(
 *   entraTokenEndpoint("contoso.example"),
 *   "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token",
 * );
 * ```
 */
export function entraTokenEndpoint(tenantId: string, cloud: AzureCloud = "public"): string {
  return tokenEndpointAt(`https://${AUTHORITIES[cloud]}`, tenantId);
}

/**
 * The token endpoint of a tenant at an authority that is given by its URL.
 *
 * @param authority The URL, with or without a slash at its end.
 * @param tenantId The tenant's identifier or domain.
 * @returns Its URL.
 */
export function tokenEndpointAt(authority: string, tenantId: string): string {
  return `${withoutTrailing(authority, "/")}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
}

/** The cloud whose authority a URL is at, by the exact host. */
function cloudAt(endpoint: unknown): AzureCloud | undefined {
  const hostname = typeof endpoint === "string" ? URL.parse(endpoint)?.hostname : undefined;
  return clouds.find((cloud) => AUTHORITIES[cloud] === hostname);
}
