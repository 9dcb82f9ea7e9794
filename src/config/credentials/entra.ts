/**
 * What can be derived for Microsoft Entra ID (Azure) from the tenant alone, and how `auto` tells that
 * a server is one of its own: by the exact host, never by a part of it.
 *
 * @module
 */
import type { RawKeys } from "../read_context.ts";

/** Scope of the DICOM service of Azure Health Data Services in the public cloud. */
export const AZURE_DICOM_SCOPE = "https://dicom.healthcareapis.azure.com/.default";

/** The authorities of the public and the sovereign clouds. */
const AUTHORITIES: ReadonlySet<string> = new Set([
  "login.microsoftonline.com",
  "login.microsoftonline.us",
  "login.partner.microsoftonline.cn",
]);

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
  return typeof endpoint === "string" && URL.canParse(endpoint) &&
    AUTHORITIES.has(new URL(endpoint).hostname);
}

/**
 * The token endpoint of a tenant (version 2.0, public cloud).
 *
 * @param tenantId The tenant's identifier or domain.
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
export function entraTokenEndpoint(tenantId: string): string {
  return `https://login.microsoftonline.com/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
}
