/**
 * Guards the gateway against web pages of other origins (cross-site request forgery, cross-site
 * inclusion): a browser lets every page send a plain POST anywhere, and show, frame or run what a URL
 * answers, from inside the hospital's network and with a password that it remembers.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { CorsConfig } from "../../config/keys/cors.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { GatewayEnv } from "../gateway_env.ts";

/** OPTIONS is not among them: only a preflight makes a page send it, and preflights are for `Cors`. */
const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** What a browser fetches to let a script read it, or to show it by itself (Fetch Metadata). */
const OPEN_DESTINATIONS: ReadonlySet<string> = new Set(["", "document", "empty", "websocket"]);

/** What a browser fetches to run it, which no answer of the gateway is for: its page holds its script. */
const SCRIPTS: ReadonlySet<string> = new Set([
  "audioworklet",
  "paintworklet",
  "script",
  "serviceworker",
  "sharedworker",
  "style",
  "worker",
  "xslt",
]);

/** Answers whether the page behind a request is named by `Cors`. */
export type NamesPage = (request: Request) => boolean;

/**
 * Makes the check of a page's origin.
 *
 * @param config The origins allowed; none unless given.
 * @returns Whether a request's page is of one of them. Browsers tell the origin of a page that embeds an
 * answer only by `Referer`.
 */
export function namedPages(config: CorsConfig | undefined): NamesPage {
  const allowed = new Set(config?.allowedOrigins);
  if (allowed.size === 0) return () => false;
  return ({ headers }) => {
    if (allowed.has("*")) return true;
    const origin = headers.get("origin") ?? URL.parse(headers.get("referer") ?? "")?.origin;
    return origin !== undefined && allowed.has(origin);
  };
}

/**
 * Makes the middleware.
 *
 * @param config The origins allowed besides the gateway's own.
 * @returns Refuses with 403 what a page of another origin would change, ask by a preflight or embed.
 */
export function refuseCrossSite(
  config: CorsConfig | undefined,
): MiddlewareHandler<GatewayEnv> {
  const isNamed = namedPages(config);
  return function refuseCrossSite(c, next) {
    const { raw } = c.req;
    const fault = READING.has(raw.method) ? embeddingFault(raw) : changeFault(raw);
    if (fault !== undefined && !isNamed(raw)) throw new GatewayError("AUTH-004", fault);
    return next();
  };
}

function changeFault(request: Request): string | undefined {
  const { headers, method } = request;
  const origin = headers.get("origin");
  const isForeign = origin === null ? isCrossSite(headers) : !isOwnOrigin(origin, request);
  if (!isForeign) return undefined;
  return method === "OPTIONS"
    ? "Preflight rejected: pages of this origin are not allowed"
    : "Request rejected: pages of this origin may not change anything";
}

/**
 * Reading by a script is not at issue: without `Cors` the browser keeps the answer from it. Nor is
 * following a link: what a store answers runs nothing.
 */
function embeddingFault({ headers }: Request): string | undefined {
  const destination = headers.get("sec-fetch-dest") ?? "";
  if (SCRIPTS.has(destination) || headers.has("service-worker")) {
    return "Request rejected: the gateway serves no scripts, workers or style sheets";
  }
  if (!isCrossSite(headers)) return undefined;
  const isOpaque = headers.get("sec-fetch-mode") === "no-cors";
  return OPEN_DESTINATIONS.has(destination) && !isOpaque
    ? undefined
    : "Request rejected: pages of other origins may not embed this";
}

function isCrossSite(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  return site !== null && site !== "same-origin" && site !== "none";
}

/**
 * Whether a page is one of the gateway's own. Browsers of today say it themselves (Fetch Metadata); else
 * the page's host must be the one asked.
 *
 * @param origin The page's origin, as the request tells it.
 * @param request The request that the page sent.
 */
export function isOwnOrigin(origin: string, { headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const host = URL.parse(origin)?.host;
  return host !== undefined && host === URL.parse(url)?.host;
}
