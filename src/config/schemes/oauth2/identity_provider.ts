/**
 * Tells identity providers apart, because some want things that others do not: by what the
 * configuration says, and by the URL of the token endpoint.
 *
 * @module
 */

/** An identity provider, or platform, that something is known about. */
export type ProviderName =
  | "auth0"
  | "aws"
  | "azure"
  | "google"
  | "keycloak"
  | "okta"
  | "pingone"
  | "smart";

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
 * import { providerOf } from "./identity_provider.ts";
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
