/**
 * Gives each request an identifier that goes to the store, into the log and into the answer: the
 * client's own `X-Request-ID` where it is acceptable. (Hono's own middleware sets the header before the
 * answer is there, which breaks WebSocket handshakes: their answer, a store's, must not be touched.)
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "../gateway_env.ts";

/** What cannot forge a log line or a header. */
const ACCEPTABLE = /^[\w.~:=+/@-]{1,128}$/;

/**
 * Makes the middleware.
 *
 * @returns Sets `requestId` in the request's context.
 */
export function identifyRequests(): MiddlewareHandler<GatewayEnv> {
  return async function identifyRequest(c, next) {
    const given = c.req.raw.headers.get("x-request-id");
    const isAcceptable = given !== null && ACCEPTABLE.test(given);
    c.set("requestId", isAcceptable ? given : crypto.randomUUID());
    await next();
    // Answers of stores and of failures have it by now.
    if (c.get("transfer") !== undefined || c.error !== undefined) return;
    c.res.headers.set("x-request-id", c.get("requestId"));
  };
}
