/**
 * Ends refusals of uploads late over HTTP/2. The runtime resets the stream with the end of an answer
 * where the upload has not been read to its own, as RFC 9113, section 8.1 allows; a client that is
 * sending (curl 7.88, and Orthanc with it) then tells of the reset instead of the answer. Whoever gets
 * the length of an answer first has all of it before the reset, and stops sending.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { GatewayEnv } from "./gateway_env.ts";

/** How late. Clients that go by the length do not wait for it. */
const LATE_MS = 250;

/** @returns A middleware that ends refusals of uploads late where HTTP/2 is spoken. */
export function endRefusalsLate(): MiddlewareHandler<GatewayEnv> {
  return async function endRefusalLate(c, next) {
    await next();
    const { method, headers } = c.req.raw;
    // Over HTTP/2 there is no Host.
    if (c.res.status < 400 || method === "GET" || method === "HEAD" || headers.has("host")) return;
    if (headers.get("content-length") === "0" || c.res.body === null) return;
    const { status } = c.res;
    const answerHeaders = new Headers(c.res.headers);
    // What the gateway says itself has no length yet, and is short.
    const isOwn = answerHeaders.get("content-type") === "application/problem+json";
    let body = c.res.body;
    if (!answerHeaders.has("content-length") && isOwn) {
      const bytes = await c.res.bytes();
      answerHeaders.set("content-length", String(bytes.length));
      body = new Response(bytes).body!;
    }
    c.res = new Response(body.pipeThrough(lateEnd()), { status, headers: answerHeaders });
  };
}

function lateEnd(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    flush: () => new Promise((resolve) => setTimeout(resolve, LATE_MS)),
  });
}
