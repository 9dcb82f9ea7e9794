/**
 * Which headers go through the gateway, by the tables of `stopped_request_headers.ts` and
 * `passed_response_headers.ts`. What belongs to one connection stays on it (RFC 9110, section 7.6.1),
 * and a store's answer never speaks for the gateway's origin.
 *
 * @module
 */
import { BoundedCache } from "../dicomweb/bounded_cache.ts";
import { HeaderFields } from "../network/header_fields.ts";
import { privateCacheControl, varyWith } from "./cache_headers.ts";
import { PASSED_RESPONSE_HEADERS } from "./passed_response_headers.ts";
import { STOPPED_REQUEST_HEADERS } from "./stopped_request_headers.ts";

/** Named by `Connection`, these are still not removed: without them the body's length is lost. */
const NEVER_NOMINATED = new Set(["content-length", "content-type", "host"]);

/**
 * What every answer of a store gets besides. None of these names passes from a store, so none is sent
 * twice. A browser neither guesses a type nor runs what a store answers, and gives no page of another
 * origin a look at it.
 */
export const PROTECTION: readonly (readonly [name: string, value: string])[] = [
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "sandbox; default-src 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
];

/**
 * Servers that pass header fields on as variables (CGI and its kin) take `X_Remote_User` for
 * `X-Remote-User`. No DICOMweb client or vendor uses other characters.
 */
const PLAIN_NAME = /^[a-z0-9-]+$/;

const matchesStopped = matcher(STOPPED_REQUEST_HEADERS.flatMap(({ names }) => names));
/** Verdicts by name: clients use few, and one that makes names up shall not fill the memory. */
const requestVerdicts = new BoundedCache<boolean>({ maxEntries: 500, maxKeyLength: 64 });
const PASSED_RESPONSE: ReadonlySet<string> = new Set(
  PASSED_RESPONSE_HEADERS.flatMap(({ names }) => names),
);

/**
 * The headers of a client's request that the store shall see.
 *
 * @param credentialHeader A further header by which clients authenticate at the gateway.
 */
export function requestHeaders(inbound: Headers, credentialHeader?: string): HeaderFields {
  const headers = only(passesToStore, inbound);
  // Chunks count, whatever length stands beside them, and who passes both on is to drop it (RFC 9112,
  // section 6.3).
  if (inbound.has("transfer-encoding")) headers.delete("content-length");
  if (credentialHeader !== undefined) headers.delete(credentialHeader);
  return headers;
}

/**
 * The headers of a store's answer that the client shall see. No shared cache may keep it.
 *
 * @param credentialHeader A further header by which clients authenticate at the gateway.
 * @returns New headers, without those of {@linkcode PROTECTION}.
 */
export function responseHeaders(upstream: Headers, credentialHeader?: string): HeaderFields {
  const headers = only((name) => PASSED_RESPONSE.has(name), upstream);
  headers.set("cache-control", privateCacheControl(headers.get("cache-control")));
  headers.set("vary", varyWith(headers.get("vary"), credentialHeader));
  return headers;
}

/**
 * Lists the headers of an answer to a client, {@linkcode PROTECTION} among them.
 *
 * @returns Names in lower case, with their values.
 */
export function answerHeaderList(headers: HeaderFields): [name: string, value: string][] {
  return [...headers.list(), ...PROTECTION.map(([name, value]): [string, string] => [name, value])];
}

function passesToStore(name: string): boolean {
  return requestVerdicts.get(name, () => PLAIN_NAME.test(name) && !matchesStopped(name));
}

/** Tells whether a name is one of those listed; see `HeaderRule.names`. */
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

/** Copies what may pass. */
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
