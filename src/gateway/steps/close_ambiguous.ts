/**
 * Closes the connection after a request that tells both its length and that it comes in chunks: what is
 * before the gateway may have taken the other for true, and what follows would then be no request of the
 * client (RFC 9112, section 6.1). The runtime reads the chunks, and (Deno 2.7.14) hides a length that
 * stands behind them.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../gateway_env.ts";

/** @returns A middleware that answers such requests, and closes. */
export function closeAfterAmbiguousFraming(): MiddlewareHandler<GatewayEnv> {
  return function closeAfterAmbiguous(c, next) {
    const { headers } = c.req.raw;
    if (!headers.has("transfer-encoding") || !headers.has("content-length")) return next();
    return next().then(() => c.res.headers.set("connection", "close"));
  };
}
