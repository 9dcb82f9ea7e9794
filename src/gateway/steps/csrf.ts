/**
 * Rejects requests of web pages of other origins (cross-site request forgery, cross-site inclusion): a
 * browser lets every page send a plain POST anywhere, and show, frame or run the response of any URL, from
 * inside the hospital's network and with a remembered password.
 */
import type { MiddlewareHandler } from "hono";
import type { CorsConfig } from "../../config/keys/cors.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import type { GatewayEnv } from "../gateway_env.ts";

/** Without OPTIONS: pages send it only as a preflight, which `Cors` decides. */
const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** `Sec-Fetch-Dest` of responses that a script reads, or that the browser shows as a page of its own. */
const OPEN_DESTINATIONS: ReadonlySet<string> = new Set(["", "document", "empty", "websocket"]);

/** `Sec-Fetch-Dest` of code. The gateway serves none: the script of its page is inline. */
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

/**
 * @param config The allowed origins; none if undefined.
 * @returns Whether the page that sent a request is of an allowed origin. Browsers send the origin of a page
 * that embeds a response only in `Referer`.
 */
export function namedPages(config: CorsConfig | undefined): (request: Request) => boolean {
  const allowed = new Set(config?.allowedOrigins);
  if (allowed.size === 0) return () => false;
  return ({ headers }) => {
    if (allowed.has("*")) return true;
    const origin = headers.get("origin") ?? URL.parse(headers.get("referer") ?? "")?.origin;
    return origin !== undefined && allowed.has(origin);
  };
}

/**
 * Rejects changes, preflights and embedding by pages of other origins with 403.
 *
 * @param config The allowed origins besides the gateway's own.
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
 * Scripts may fetch: without `Cors` the browser does not let them read the response. Links may be followed:
 * responses of stores run no code.
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
 * Whether a page is one of the gateway's own: by Fetch Metadata in current browsers, otherwise if its host
 * is that of the request.
 *
 * @param origin The page's origin, from the request's headers.
 */
export function isOwnOrigin(origin: string, { headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const host = URL.parse(origin)?.host;
  return host !== undefined && host === URL.parse(url)?.host;
}
