/**
 * Recognizes identity providers by the URL of the token endpoint, because some have requirements or
 * remedies of their own.
 */

/** A known identity provider or platform. */
export type ProviderName =
  | "auth0"
  | "aws"
  | "azure"
  | "google"
  | "keycloak"
  | "okta"
  | "pingone"
  | "smart";

/** Domains of providers. A host that merely contains one is not the provider's. */
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

/** Paths of providers with any host name. */
const PATHS: readonly (readonly [path: RegExp, provider: ProviderName])[] = [
  [/\/realms\/[^/]+\/protocol\/openid-connect\//, "keycloak"],
  [/^\/oauth2\/(?:[^/]+\/)?v1\/token$/, "okta"],
];

/** The identity provider of a token endpoint, if it is a known one. */
export function providerOf(endpoint: string): ProviderName | undefined {
  const url = URL.parse(endpoint);
  if (url === null) return undefined;
  const { hostname, pathname } = url;
  return HOSTS.find(([domain]) => hostname === domain || hostname.endsWith(`.${domain}`))?.[1] ??
    PATHS.find(([path]) => path.test(pathname))?.[1];
}
