/**
 * Guards the gateway against web pages that send it changes (cross-site request forgery): a browser
 * lets every page send a plain POST anywhere, from inside the hospital's network and with a password
 * that it remembers. Reading is not at issue: no page can see the answer.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { CorsConfig } from "../config/gateway_config.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { GatewayEnv } from "./gateway_env.ts";

const READING: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Makes the middleware.
 *
 * @param config The origins allowed besides the gateway's own.
 * @returns Refuses with 403 what a page of another origin would change.
 */
export function refuseForeignChanges(
  config: CorsConfig | undefined,
): MiddlewareHandler<GatewayEnv> {
  const allowed = new Set(config?.allowedOrigins);
  return function refuseForeignChange(c, next) {
    const { raw } = c.req;
    if (!READING.has(raw.method) && !allowed.has("*")) {
      const origin = raw.headers.get("origin");
      if (origin !== null && !allowed.has(origin) && !isOwnOrigin(origin, raw)) {
        throw new GatewayError("AUTH-004", "Cannot take a change from a page of this origin");
      }
    }
    return next();
  };
}

/**
 * Whether a page is one of the gateway's own. Browsers of today say it themselves (Fetch Metadata); else
 * the page's host must be the one asked.
 *
 * @param origin The page's origin, as the request tells it.
 * @param request The request that the page sent.
 * @returns Whether it is.
 */
export function isOwnOrigin(origin: string, { headers, url }: Request): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const host = URL.parse(origin)?.host;
  return host !== undefined && host === URL.parse(url)?.host;
}
