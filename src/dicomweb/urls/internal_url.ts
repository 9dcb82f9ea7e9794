/**
 * Recognizes the URLs of a store that does not know its own address, because a proxy before it strips
 * a prefix or replaces `Host`. Only resources that the answer is about count, at hosts that no client
 * can be meant to contact: at a public host, the URL may be another archive's.
 */
import { classify } from "../transaction/transaction.ts";
import type { TransactionName } from "../transaction/transaction_catalogue.ts";
import { withoutTrailing } from "../without_trailing.ts";

/** Path of the store's resource that a URL names; undefined if it names none. */
export type ResourceFinder = (url: URL, resource: string) => string | undefined;

const RESOURCES: readonly TransactionName[] = [
  "retrieve-study",
  "retrieve-series",
  "retrieve-instance",
  "retrieve-bulkdata",
];

/**
 * The resources that an answer names, by the transaction that `GET` has at the path of the request;
 * uploads have the paths of searches and studies. Retrieve URLs in metadata are stored content: a
 * manifest (XDS-I) names other archives with the study's own UIDs.
 */
const NAMED: ReadonlyMap<TransactionName, readonly TransactionName[]> = new Map([
  ["search-studies", RESOURCES],
  ["search-series", RESOURCES],
  ["search-instances", RESOURCES],
  ["retrieve-study", RESOURCES],
  ["retrieve-series", RESOURCES],
  ["retrieve-instance", RESOURCES],
  ["retrieve-metadata", ["retrieve-bulkdata"]],
]);

export function internalResource(
  storeBase: string,
  isInternalHost: (hostname: string) => boolean,
): ResourceFinder {
  const { hostname, pathname } = new URL(storeBase);
  const basePath = withoutTrailing(pathname, "/");
  return (url, resource) => {
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    // A query may be a signature for another server (of a bucket with bulk data).
    if (!isWeb || url.search !== "" || url.hash !== "") return undefined;
    if (url.hostname !== hostname && !isInternalHost(url.hostname)) return undefined;
    const start = url.pathname.indexOf("/studies/");
    if (start < 0 || !areRelated(url.pathname.slice(0, start), basePath)) return undefined;
    const path = url.pathname.slice(start);
    return isNamed(path, resource) ? path : undefined;
  };
}

/** Whether one path ends in the other: proxies strip prefixes, and add them. */
function areRelated(one: string, other: string): boolean {
  return one.endsWith(other) || other.endsWith(one);
}

function isNamed(path: string, resource: string): boolean {
  const named = classify("GET", path);
  const asked = classify("GET", resource);
  if (!NAMED.get(asked.name)?.includes(named.name)) return false;
  return (["study", "series", "instance"] as const).every((level) =>
    asked[level] === undefined || asked[level] === named[level]
  );
}
