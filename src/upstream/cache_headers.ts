/**
 * Keeps responses of stores out of shared caches: they contain patient data and were requested with the
 * gateway's credential for one client (RFC 9111).
 */
import { BoundedCache } from "../dicomweb/bounded_cache.ts";

/** Directives for shared caches, in the unqualified sense or for some fields. */
const SHARED: ReadonlySet<string> = new Set([
  "private",
  "proxy-revalidate",
  "public",
  "s-maxage",
]);

/** Request headers that never reach the store: its `Vary` cannot mean those of the client. */
const NOT_SEEN_BY_STORE: ReadonlySet<string> = new Set([
  "access-control-request-headers",
  "access-control-request-method",
  "authorization",
  "cookie",
  "origin",
]);

/**
 * By these, clients authenticate at the gateway or at a login proxy before it, and choose whether the
 * gateway compresses.
 */
const SEEN_BY_GATEWAY: readonly string[] = ["Authorization", "Cookie", "Accept-Encoding"];

const BOUNDS = { maxEntries: 100, maxKeyLength: 300 };
const cacheControls = new BoundedCache<string>(BOUNDS);
const varies = new BoundedCache<string>(BOUNDS);

/**
 * Restricts a store's `Cache-Control` to the client's own cache. Stricter directives stay.
 */
export function privateCacheControl(value: string | null): string {
  if (value === null) return "private";
  return cacheControls.get(value, () => {
    const kept = directives(value).filter((each) => !SHARED.has(nameOf(each)));
    return ["private", ...kept].join(", ");
  });
}

/**
 * Adds to a store's `Vary` the headers by which clients of the gateway, or of a proxy before it,
 * authenticate. The middleware for `Cors` adds `Origin`.
 *
 * @param credentialHeader A further header by which clients authenticate.
 */
export function varyWith(value: string | null, credentialHeader?: string): string {
  return varies.get(`${credentialHeader} ${value}`, () => {
    const own = credentialHeader === undefined
      ? SEEN_BY_GATEWAY
      : [...SEEN_BY_GATEWAY, credentialHeader];
    const given = directives(value ?? "");
    if (given.includes("*")) return "*";
    const seen = new Set([...NOT_SEEN_BY_STORE, ...own.map((name) => name.toLowerCase())]);
    const kept = given.filter((name) => {
      const isNew = !seen.has(name.toLowerCase());
      seen.add(name.toLowerCase());
      return isNew;
    });
    return [...kept, ...own].join(", ");
  });
}

/** The elements of a list, which may contain quoted strings (RFC 9110, sections 5.6.1 and 5.6.4). */
export function directives(list: string): string[] {
  const elements: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at <= list.length; at++) {
    const character = list[at];
    if (isQuoted && character === "\\") at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === undefined || (character === "," && !isQuoted)) {
      elements.push(list.slice(start, at).trim());
      start = at + 1;
    }
  }
  if (start < list.length && isQuoted) elements.push(list.slice(start).trim());
  return elements.filter((element) => element !== "");
}

/** The name of a directive, in lower case. */
export function nameOf(directive: string): string {
  const end = directive.indexOf("=");
  return (end < 0 ? directive : directive.slice(0, end)).trim().toLowerCase();
}
