/**
 * Finds what an identity provider itself says is to be done about its refusal. The rows stand in
 * one file a provider under `remedies/`; a row is found by the provider and by what it said.
 *
 * @module
 */
import { azureRemedies } from "./remedies/azure.ts";
import { googleRemedies } from "./remedies/google.ts";
import { oktaRemedies } from "./remedies/okta.ts";
import type { ProviderName, ProviderRefusal, Remedy } from "./remedies/remedy.ts";

/** Every row. Of several that fit, the first counts. */
export const providerRemedies: readonly Remedy[] = [
  ...azureRemedies,
  ...googleRemedies,
  ...oktaRemedies,
];

/** Hosts by their end, whole labels only: a host that merely contains a name is not the provider's. */
const HOSTS: readonly (readonly [domain: string, provider: ProviderName])[] = [
  ["auth0.com", "auth0"],
  ["amazonaws.com", "aws"],
  ["amazonaws.com.cn", "aws"],
  ["amazoncognito.com", "aws"],
  ["microsoftonline.com", "azure"],
  ["microsoftonline.us", "azure"],
  ["partner.microsoftonline.cn", "azure"],
  ["googleapis.com", "google"],
  ["metadata.google.internal", "google"],
  ["okta.com", "okta"],
  ["oktapreview.com", "okta"],
  ["okta-emea.com", "okta"],
  ["okta-gov.com", "okta"],
  ["pingone.com", "pingone"],
  ["pingone.eu", "pingone"],
  ["pingone.ca", "pingone"],
  ["pingone.asia", "pingone"],
  ["pingone.com.au", "pingone"],
  ["pingone.sg", "pingone"],
];

/** Paths of providers that run under any host name. */
const PATHS: readonly (readonly [path: RegExp, provider: ProviderName])[] = [
  [/\/realms\/[^/]+\/protocol\/openid-connect\//, "keycloak"],
  [/^\/oauth2\/(?:[^/]+\/)?v1\/token$/, "okta"],
];

/**
 * Tells an identity provider by the URL of its token endpoint.
 *
 * @param endpoint The URL.
 * @returns The provider, where it is one that has remedies of its own.
 *
 * @example
 * ```ts
 * import { providerOf } from "./provider_remedies.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(providerOf("https://tenant.eu.auth0.com/oauth/token"), "auth0");
 * assert.equal(providerOf("https://sso.example/realms/r/protocol/openid-connect/token"), "keycloak");
 * assert.equal(providerOf("https://auth0.com.evil.example/oauth/token"), undefined);
 * ```
 */
export function providerOf(endpoint: string): ProviderName | undefined {
  const url = URL.parse(endpoint);
  if (url === null) return undefined;
  const { hostname, pathname } = url;
  return HOSTS.find(([domain]) => hostname === domain || hostname.endsWith(`.${domain}`))?.[1] ??
    PATHS.find(([path]) => path.test(pathname))?.[1];
}

/**
 * Finds the remedy for a refusal.
 *
 * @param refusal What the provider answered.
 * @returns The row that fits, or `undefined` where the catalogue's own steps must do.
 *
 * @example
 * ```ts
 * import { findRemedy } from "./provider_remedies.ts";
 * import assert from "node:assert/strict";
 *
 * const remedy = findRemedy({
 *   endpoint: "https://clinic.okta.com/oauth2/v1/token",
 *   status: 400,
 *   error: "invalid_scope",
 * });
 * assert.match(remedy?.steps[0] ?? "", /custom authorization server/);
 * ```
 */
export function findRemedy(refusal: ProviderRefusal): Remedy | undefined {
  const provider = refusal.provider ?? providerOf(refusal.endpoint);
  return providerRemedies.find((row) =>
    (row.provider === undefined || row.provider === provider) &&
    (row.status === undefined || row.status === refusal.status) &&
    (row.error === undefined || row.error === refusal.error) &&
    (row.text === undefined || row.text.test(refusal.description ?? ""))
  );
}
