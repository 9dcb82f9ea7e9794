/**
 * Ends refusals of uploads late over HTTP/2. The runtime resets the stream with the end of an answer
 * where the upload has not been read to its own, as RFC 9113, section 8.1 allows; a client that is
 * sending (curl 7.88, and Orthanc with it) then tells of the reset instead of the answer. Whoever gets
 * the length of an answer first has all of it before the reset, and stops sending.
 *
 * @module
 */
import type { Context, MiddlewareHandler } from "hono";
import { readBounded } from "../upstream/bounded_body.ts";
import type { GatewayEnv } from "./gateway_env.ts";

/** How late. Clients that go by the length do not wait for it. */
const LATE_MS = 250;

/** Refusals that tell no length are held to find it out, up to this one. */
const MAX_HELD_BYTES = 64 * 1024;

/** @returns A middleware that ends refusals of uploads late where HTTP/2 is spoken. */
export function endRefusalsLate(): MiddlewareHandler<GatewayEnv> {
  return function endRefusalLate(c, next) {
    const { method, headers } = c.req.raw;
    const isUpload = method !== "GET" && method !== "HEAD" && headers.get("content-length") !== "0";
    // Over HTTP/2 there is no Host.
    return isUpload && !headers.has("host") ? endLate(c, next) : next();
  };
}

async function endLate(c: Context<GatewayEnv>, next: () => Promise<void>): Promise<void> {
  await next();
  if (c.res.status < 400 || c.res.body === null) return;
  const { status } = c.res;
  const answerHeaders = new Headers(c.res.headers);
  let body = c.res.body;
  if (!answerHeaders.has("content-length")) {
    const held = await readBounded(body, MAX_HELD_BYTES).catch(failing);
    if (held instanceof ReadableStream) body = held;
    else {
      answerHeaders.set("content-length", String(held.length));
      body = new Response(held).body!;
    }
  }
  c.res = new Response(body.pipeThrough(lateEnd()), { status, headers: answerHeaders });
}

/** A body that fails as the one did that was read. */
function failing(reason: unknown): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (controller) => controller.error(reason) });
}

function lateEnd(): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  return new TransformStream({
    flush: () => new Promise((resolve) => setTimeout(resolve, LATE_MS)),
  });
}
