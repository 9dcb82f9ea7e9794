/**
 * Recognizes Google's own URLs in its credentials files. Such files come by mail and from the web, so
 * other URLs in them must not get an assertion.
 */

/** The token endpoint of service accounts and users. */
export const GOOGLE_TOKEN_ENDPOINT = "https://oauth2.googleapis.com/token";

/** The token exchange for tokens of other providers. */
export const GOOGLE_STS_ENDPOINT = "https://sts.googleapis.com/v1/token";

/** The API for tokens of service accounts. */
export const GOOGLE_IAM_ORIGIN = "https://iamcredentials.googleapis.com";

const TOKEN_HOST = /^(?:oauth2\.googleapis\.com|accounts\.google\.com)$/;
// With a private endpoint: sts-NAME.p.googleapis.com.
const STS_HOST = /^sts(?:-[a-z0-9-]+\.p)?\.googleapis\.com$/;
const IAM_HOST = /^iamcredentials(?:-[a-z0-9-]+\.p)?\.googleapis\.com$/;
const IMPERSONATION_PATH = /^\/v1\/projects\/-\/serviceAccounts\/([^/:]+):generateAccessToken$/;

export function isGoogleTokenEndpoint(url: string): boolean {
  return hostOf(url, TOKEN_HOST) !== undefined;
}

export function isGoogleSts(url: string): boolean {
  return hostOf(url, STS_HOST) !== undefined;
}

interface ImpersonationUrl {
  readonly origin: string;
  readonly account: string;
}

/** The parts of a URL for tokens of a service account; `undefined` if it is not Google's. */
export function impersonationParts(url: string): ImpersonationUrl | undefined {
  const found = hostOf(url, IAM_HOST);
  const account = found && IMPERSONATION_PATH.exec(found.pathname)?.[1];
  return account === undefined || found === undefined
    ? undefined
    : { origin: found.origin, account: decodeURIComponent(account) };
}

/** The URL for tokens of a service account. */
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
