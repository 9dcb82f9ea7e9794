/**
 * Computes the destination of a request, once: a store or a page of the gateway. All later steps read
 * the result; none parses the URL or classifies the request again, so that permission, audit record and
 * store cannot disagree about what a request is.
 */
import type { MiddlewareHandler } from "hono";
import { withoutAccessTokens } from "../dicomweb/transaction/query_tokens.ts";
import { withEncodedPath } from "../dicomweb/transaction/store_path.ts";
import { classify, isWebSocketHandshake } from "../dicomweb/transaction/transaction.ts";
import type { Destination, GatewayEnv, Page, PageDestination } from "./gateway_env.ts";
import { PAGES } from "./pages.ts";

/** Prefixes of the paths of stores: `/dicom-web/{server}/…`, and that of the plugin. */
const STORE_PREFIXES = ["/dicom-web/", "/oauth-dicom-web/servers/"] as const;
/** The plugin's path for storing is `…/stow`. */
const [, PLUGIN_PREFIX] = STORE_PREFIXES;

const VARIABLE = /:(?:name|document)/;
const plainPages = new Map(
  PAGES.filter(({ path }) => !VARIABLE.test(path)).map((page) => [page.path, page]),
);
const variablePages = PAGES.filter(({ path }) => VARIABLE.test(path)).map((page) => {
  const [before = "", after = ""] = page.path.split(VARIABLE);
  return { page, before, after, isDocument: page.path.includes(":document") };
});

const NO_PAGE = "/*";

export function setDestination(): MiddlewareHandler<GatewayEnv> {
  return function setDestinationOf(c, next) {
    c.set("destination", destinationOf(c.req.raw));
    return next();
  };
}

/**
 * @param request Its URL has the path of the request line, not decoded.
 *
 * @example
 * ```ts
 * import { destinationOf } from "./destination.ts";
 * import assert from "node:assert/strict";
 *
 * const url = "http://gateway:8043/oauth-dicom-web/servers/main/stow";
 * const destination = destinationOf(new Request(url, { method: "POST" }));
 * assert(destination.kind === "store");
 * const { server, target, transaction } = destination;
 * assert.deepEqual([server, target, transaction.name], ["main", "/studies", "store"]);
 * ```
 */
export function destinationOf({ url, method, headers }: Request): Destination {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  for (const prefix of STORE_PREFIXES) {
    if (!url.startsWith(prefix, start)) continue;
    const name = start + prefix.length;
    let end = name;
    while (end < url.length && url[end] !== "/" && url[end] !== "?") end++;
    const target = storeTarget(prefix, url.slice(end));
    return {
      kind: "store",
      route: `${prefix}:server/*`,
      server: url.slice(name, end),
      target,
      transaction: classify(method, target, headers),
      isWebSocket: isWebSocketHandshake({ method, headers }),
    };
  }
  return pageAt(/^[^?#]*/.exec(url.slice(start))![0]);
}

function storeTarget(prefix: string, target: string): string {
  const path = prefix === PLUGIN_PREFIX && /^\/stow(?=$|\?)/.test(target)
    ? `/studies${target.slice("/stow".length)}`
    : target;
  return withEncodedPath(withoutAccessTokens(path));
}

function pageAt(path: string): Destination {
  const plain = plainPages.get(path);
  if (plain !== undefined) return toPage(plain, undefined);
  for (const { page, before, after, isDocument } of variablePages) {
    if (!path.startsWith(before) || !path.endsWith(after)) continue;
    const name = path.slice(before.length, path.length - after.length);
    if (name === "") continue;
    if (isDocument) return { ...toPage(page, undefined), document: name };
    if (!name.includes("/")) return toPage(page, decoded(name));
  }
  return { kind: "page", route: NO_PAGE, page: undefined, server: undefined };
}

function toPage(page: Page, server: string | undefined): PageDestination {
  return { kind: "page", route: page.path, page, server };
}

/** No server has a name that is not UTF-8. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
