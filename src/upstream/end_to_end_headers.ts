/**
 * Filters headers by the tables of `stopped_request_headers.ts` and `passed_response_headers.ts`:
 * connection-specific fields stop (RFC 9110, section 7.6.1), as does what a store says about itself as an
 * origin.
 */
import { BoundedCache } from "../dicomweb/bounded_cache.ts";
import { HeaderFields } from "../network/header_fields.ts";
import { privateCacheControl, varyWith } from "./cache_headers.ts";
import { PASSED_RESPONSE_HEADERS } from "./passed_response_headers.ts";
import { STOPPED_REQUEST_HEADERS } from "./stopped_request_headers.ts";

/** Not removed even if `Connection` names them: the body's length would be lost. */
const NEVER_NOMINATED = new Set(["content-length", "content-type", "host"]);

/**
 * Added to every response of a store, which never passes these names itself. A browser then neither
 * guesses a type nor runs the content, and hides it from pages of other origins.
 */
export const PROTECTION: readonly (readonly [name: string, value: string])[] = [
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "sandbox; default-src 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
];

/**
 * Servers that turn header fields into variables (CGI) take `X_Remote_User` for `X-Remote-User`. No
 * DICOMweb client or vendor uses other characters.
 */
const PLAIN_NAME = /^[a-z0-9-]+$/;

const matchesStopped = matcher(STOPPED_REQUEST_HEADERS.flatMap(({ names }) => names));
/** Cached by name; bounded, as a client may invent names. */
const requestVerdicts = new BoundedCache<boolean>({ maxEntries: 500, maxKeyLength: 64 });
const PASSED_RESPONSE: ReadonlySet<string> = new Set(
  PASSED_RESPONSE_HEADERS.flatMap(({ names }) => names),
);

/**
 * The headers of a client's request that reach the store.
 *
 * @param credentialHeader The header of `Authentication.ApiKeys`.
 */
export function requestHeaders(inbound: Headers, credentialHeader?: string): HeaderFields {
  const headers = only(passesToStore, inbound);
  // Chunks take precedence over a length, which must be removed (RFC 9112, section 6.3).
  if (inbound.has("transfer-encoding")) headers.delete("content-length");
  if (credentialHeader !== undefined) headers.delete(credentialHeader);
  return headers;
}

/**
 * The headers of a store's response that reach the client. No shared cache may store it.
 *
 * @param credentialHeader The header of `Authentication.ApiKeys`.
 * @returns New headers, without those of {@linkcode PROTECTION}.
 */
export function responseHeaders(upstream: Headers, credentialHeader?: string): HeaderFields {
  const headers = only((name) => PASSED_RESPONSE.has(name), upstream);
  headers.set("cache-control", privateCacheControl(headers.get("cache-control")));
  headers.set("vary", varyWith(headers.get("vary"), credentialHeader));
  return headers;
}

/** The headers of a response to a client, with {@linkcode PROTECTION}. */
export function answerHeaderList(headers: HeaderFields): [name: string, value: string][] {
  return [...headers.list(), ...PROTECTION.map(([name, value]): [string, string] => [name, value])];
}

function passesToStore(name: string): boolean {
  return requestVerdicts.get(name, () => PLAIN_NAME.test(name) && !matchesStopped(name));
}

/** See `HeaderRule.names`. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const contained = patterns.filter((pattern) => pattern.startsWith("*"))
    .map((pattern) => pattern.slice(1, -1));
  const prefixes = patterns.filter((pattern) => /^[^*]+\*$/.test(pattern))
    .map((pattern) => pattern.slice(0, -1));
  return (name) =>
    exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)) ||
    contained.some((part) => name.includes(part));
}

function only(passes: (name: string) => boolean, source: Headers): HeaderFields {
  const headers = HeaderFields.from(source, passes);
  const nominated = source.get("connection");
  if (nominated === null) return headers;
  for (const item of nominated.split(",")) {
    const name = item.trim().toLowerCase();
    if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && !NEVER_NOMINATED.has(name)) {
      headers.delete(name);
    }
  }
  return headers;
}
