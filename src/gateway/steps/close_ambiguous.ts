/**
 * Closes the connection after a request with both Content-Length and Transfer-Encoding: a proxy in front
 * may have used the other one, and would take the rest for the next request (RFC 9112, section 6.1). The
 * runtime reads the chunks, and (Deno 2.7.14) hides a Content-Length after Transfer-Encoding.
 */
import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../gateway_env.ts";

export function closeAfterAmbiguousFraming(): MiddlewareHandler<GatewayEnv> {
  return function closeAfterAmbiguous(c, next) {
    const { headers } = c.req.raw;
    if (!headers.has("transfer-encoding") || !headers.has("content-length")) return next();
    return next().then(() => c.res.headers.set("connection", "close"));
  };
}
