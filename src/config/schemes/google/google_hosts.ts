/**
 * Which URLs in a file of Google's are Google's own. Such files come by mail and from the web, so that
 * what they name is not to be trusted with an assertion unless it is one of these.
 *
 * @module
 */

/** Where service accounts and users get tokens. */
export const GOOGLE_TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token";

/** Where tokens of other providers are exchanged. */
export const GOOGLE_STS_ENDPOINT = "https://sts.googleapis.com/v1/token";

/** Where tokens of service accounts are made for others. */
export const GOOGLE_IAM_ORIGIN = "https://iamcredentials.googleapis.com";

const TOKEN_HOST = /^(?:oauth2\.googleapis\.com|accounts\.google\.com)$/;
// With a private endpoint: sts-NAME.p.googleapis.com.
const STS_HOST = /^sts(?:-[a-z0-9-]+\.p)?\.googleapis\.com$/;
const IAM_HOST = /^iamcredentials(?:-[a-z0-9-]+\.p)?\.googleapis\.com$/;
const IMPERSONATION_PATH = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/;

/**
 * Whether a URL is a token endpoint of Google's.
 *
 * @param url The URL.
 *
 * @example
 * ```ts
 * import { isGoogleTokenEndpoint } from "./google_hosts.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isGoogleTokenEndpoint("https://oauth2.googleapis.com/token"), true);
 * assert.equal(isGoogleTokenEndpoint("https://oauth2.googleapis.com.evil.example/token"), false);
 * ```
 */
export function isGoogleTokenEndpoint(url: string): boolean {
  return hostOf(url, TOKEN_HOST) !== undefined;
}

/**
 * Whether a URL is Google's token exchange.
 *
 * @param url The URL.
 */
export function isGoogleSts(url: string): boolean {
  return hostOf(url, STS_HOST) !== undefined;
}

/** The parts of a URL at which the token of a service account is made. */
export interface ImpersonationUrl {
  readonly origin: string;
  readonly account: string;
}

/**
 * Takes apart the URL at which the token of a service account is made.
 *
 * @param url The URL.
 * @returns Its parts, or `undefined` where it is none of Google's.
 *
 * @example
 * ```ts
 * import { impersonationParts } from "./google_hosts.ts";
 * import assert from "node:assert/strict";
 *
 * const url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" +
 *   "gateway@clinic.iam.gserviceaccount.com:generateAccessToken";
 * assert.equal(impersonationParts(url)?.account, "gateway@clinic.iam.gserviceaccount.com");
 * ```
 */
export function impersonationParts(url: string): ImpersonationUrl | undefined {
  const found = hostOf(url, IAM_HOST);
  const account = found && IMPERSONATION_PATH.exec(found.pathname)?.[1];
  return account === undefined || found === undefined
    ? undefined
    : { origin: found.origin, account: decodeURIComponent(account) };
}

/**
 * The URL at which the token of a service account is made.
 *
 * @returns The URL.
 */
export function impersonationUrl({ origin, account }: ImpersonationUrl): string {
  const path = `/v1/projects/-/serviceAccounts/${encodeURIComponent(account)}:generateAccessToken`;
  return new URL(path, origin).href;
}

function hostOf(text: string, pattern: RegExp): URL | undefined {
  const url = URL.parse(text);
  return url !== null && url.protocol === "https:" && url.port === "" && url.username === "" &&
      url.password === "" && url.hash === "" && pattern.test(url.hostname)
    ? url
    : undefined;
}
