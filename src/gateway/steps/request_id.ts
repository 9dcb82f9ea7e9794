/**
 * Gives each request an identifier for the store, the log and the response: the client's `X-Request-ID` if
 * acceptable. (Hono's middleware sets the header before there is a response, which breaks WebSocket
 * handshakes: their response must not be modified.)
 */
import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../gateway_env.ts";

/** Cannot forge a log line or a header. */
const ACCEPTABLE = /^[\w.~:=+/@-]{1,128}$/;

/** Sets `requestId`. */
export function identifyRequests(): MiddlewareHandler<GatewayEnv> {
  return async function identifyRequest(c, next) {
    const given = c.req.raw.headers.get("x-request-id");
    const isAcceptable = given !== null && ACCEPTABLE.test(given);
    c.set("requestId", isAcceptable ? given : crypto.randomUUID());
    await next();
    // Responses of stores and of errors already have the header.
    if (c.get("transfer") !== undefined || c.error !== undefined) return;
    c.res.headers.set("x-request-id", c.get("requestId"));
  };
}
