/**
 * Lets scripts of configured web pages use the DICOMweb routes from a browser (Fetch Standard, CORS
 * protocol). The gateway answers preflights itself and ignores the store's CORS headers, as the store
 * does not know which pages may use the gateway.
 */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { CorsConfig } from "../../config/keys/cors.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { namedPages } from "./csrf.ts";
import type { GatewayEnv } from "../gateway_env.ts";

/** Response headers that DICOMweb clients read, beyond those that browsers always expose. */
const EXPOSED = [
  "Content-Location",
  "Content-Range",
  "ETag",
  "Link",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "Warning",
  "X-Request-ID",
];

/** Of a preflight in the browser's cache; the longest that Chromium allows. */
const MAX_AGE_SECONDS = 7200;

/**
 * Rejects WebSockets of pages of other origins: browsers let every page open one and leave the check of
 * `Origin` to the server (RFC 6455, section 10.2).
 *
 * @param config The allowed origins; none if undefined.
 */
export function refuseForeignWebSockets(
  config: CorsConfig | undefined,
): MiddlewareHandler<GatewayEnv> {
  const allowed = new Set(config?.allowedOrigins);
  return function refuseForeignWebSocket(c, next) {
    const destination = c.get("destination");
    const isHandshake = destination.kind === "store" && destination.isWebSocket;
    if (!isHandshake || allowed.has("*")) return next();
    const origin = c.req.raw.headers.get("origin");
    if (origin !== null && !allowed.has(origin)) {
      throw new GatewayError(
        "AUTH-004",
        "WebSocket rejected: pages of this origin are not allowed",
      );
    }
    return next();
  };
}

/** Answers preflights, and adds CORS headers to responses for allowed origins. */
export function allowBrowsers(config: CorsConfig): MiddlewareHandler<GatewayEnv> {
  const isAny = config.allowedOrigins.includes("*");
  const answer = cors({
    origin: isAny ? "*" : [...config.allowedOrigins],
    allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
    exposeHeaders: EXPOSED,
    maxAge: MAX_AGE_SECONDS,
  });
  const isNamed = namedPages(config);
  return async function allowBrowser(c, next) {
    const { raw } = c.req;
    const destination = c.get("destination");
    if (destination.kind === "page" || destination.isWebSocket) return await next();
    // An OPTIONS request that is no preflight asks the store for its capabilities (PS3.18, 8.9).
    const isPlain = !raw.headers.has("origin") ||
      (raw.method === "OPTIONS" && !raw.headers.has("access-control-request-method"));
    if (isPlain) await next();
    else {
      const preflight = await answer(c, next);
      if (preflight !== undefined) return preflight;
    }
    // A cache must not serve a response without the permission to a page that has it.
    if (isPlain || isAny) c.header("vary", "Origin", { append: true });
    if (isNamed(raw)) c.header("cross-origin-resource-policy", "cross-origin");
  };
}
