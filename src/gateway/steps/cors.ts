/**
 * Lets scripts of configured web pages use the DICOMweb routes from a browser (Fetch Standard, CORS
 * protocol). The gateway answers preflights itself; what the store says about CORS never counts,
 * because the store does not know who may use the gateway.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { CorsConfig } from "../../config/keys/cors.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { namedPages } from "./csrf.ts";
import type { Destination, GatewayEnv } from "../gateway_env.ts";

/** Answer headers that DICOMweb clients read, beyond those that browsers always show. */
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

/** How long a browser may remember a preflight, in seconds: Chromium keeps none longer. */
const MAX_AGE_SECONDS = 7200;

/**
 * Refuses WebSockets that a page of another origin opens: browsers let every page open one, and leave it
 * to the server to look at `Origin` (RFC 6455, section 10.2).
 *
 * @param config The origins allowed; none unless given.
 */
export function refuseForeignWebSockets(
  config: CorsConfig | undefined,
): MiddlewareHandler<GatewayEnv> {
  const allowed = new Set(config?.allowedOrigins);
  return function refuseForeignWebSocket(c, next) {
    if (!isHandshake(c.get("destination")) || allowed.has("*")) return next();
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

/**
 * Makes the middleware.
 *
 * @returns Answers preflights, and marks answers for allowed origins.
 */
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
    // A cache shall not hand an answer without the permission to a page that has it.
    if (isPlain || isAny) c.header("vary", "Origin", { append: true });
    if (isNamed(raw)) c.header("cross-origin-resource-policy", "cross-origin");
  };
}

function isHandshake(destination: Destination): boolean {
  return destination.kind === "store" && destination.isWebSocket;
}
