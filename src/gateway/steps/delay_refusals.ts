/**
 * Drains a rejected upload, for a bounded time and size, before the response ends. A server that closes a
 * connection on which bytes still arrive resets it (RFC 9112, section 9.6), and the reset may destroy the
 * response before the client has read it; over HTTP/2 the runtime resets the stream with the end of the
 * response, and a client that is sending (curl 7.88, and Orthanc with it) then reports the reset instead of
 * the response. With `Content-Length` the client knows that it has all of it before the end, and stops
 * sending. An upload on its way to the store is drained when sending it there has failed.
 */
import type { Context, MiddlewareHandler } from "hono";
import { sleep } from "../../network/wait.ts";
import { releaseOnCancel } from "../../dicomweb/completeness/released_body.ts";
import { readBounded } from "../../network/bounded_body.ts";
import type { GatewayEnv } from "../gateway_env.ts";

/** The client counts as having stopped sending after this time; a busy machine makes it pause. */
const IDLE_MS = 500;
/** Delay of a response if the upload cannot be drained, and over HTTP/2 between last byte and end. */
const PAUSE_MS = 250;
const MAX_MS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** Rejections without `Content-Length` are buffered up to this size to find it. */
const MAX_HELD_BYTES = 64 * 1024;

/** Rejections of a body's content, which is read completely before. */
const AFTER_READING: ReadonlySet<number> = new Set([400, 409, 422]);

type Delay = "read" | "wait";

export function delayRefusals(): MiddlewareHandler<GatewayEnv> {
  return function delayRefusal(c, next) {
    const { method, headers } = c.req.raw;
    const isUpload = method !== "GET" && method !== "HEAD" && headers.get("content-length") !== "0";
    return isUpload ? delay(c, next) : next();
  };
}

async function delay(c: Context<GatewayEnv>, next: () => Promise<void>): Promise<void> {
  const upload = c.req.raw.body;
  let isReleased = false;
  const released = upload && releaseOnCancel(upload).then(() => {
    isReleased = true;
  });
  await next();
  const isRefusal = c.res.status >= 400 && c.res.body !== null;
  const how = isRefusal ? delayOf(c.req.raw, c.res.status) : undefined;
  if (how === undefined || c.res.body === null) return cancelReleased(upload, released);
  const { status } = c.res;
  const answerHeaders = new Headers(c.res.headers);
  // If the rest is never read, another request on this connection would be lost. Over HTTP/2 the runtime
  // omits the field.
  if (how === "wait" || isReleased) answerHeaders.set("connection", "close");
  let body = c.res.body;
  if (!answerHeaders.has("content-length")) {
    const held = await readBounded(body, MAX_HELD_BYTES).catch(failing);
    if (held instanceof ReadableStream) body = held;
    else {
      answerHeaders.set("content-length", String(held.length));
      body = new Response(held).body!;
    }
  }
  const end = async () => {
    if (how === "wait") await Promise.race([released, sleep(PAUSE_MS)]);
    if (upload !== null && !upload.locked) await readOn(upload);
    else cancelReleased(upload, released);
  };
  c.res = new Response(body.pipeThrough(holdLastByte(end)), { status, headers: answerHeaders });
}

/** Cancels an upload that is not drained, as soon as its sender has released it. */
function cancelReleased(
  upload: ReadableStream<Uint8Array> | null,
  released: Promise<void> | null,
): void {
  released?.then(() => upload?.cancel()).catch(() => {});
}

/**
 * Holds the last byte of a body back until `end` has resolved: with it the runtime ends the response over
 * HTTP/1.1, and closes the connection. Over HTTP/2 the end of the stream does so, a moment later.
 */
function holdLastByte(
  end: () => Promise<void>,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let held: Uint8Array<ArrayBuffer> | undefined;
  return new TransformStream({
    transform(chunk, controller) {
      if (chunk.length === 0) return;
      if (held !== undefined) controller.enqueue(held);
      if (chunk.length > 1) controller.enqueue(chunk.subarray(0, -1));
      held = chunk.subarray(-1);
    },
    async flush(controller) {
      await end();
      if (held !== undefined) controller.enqueue(held);
      await sleep(PAUSE_MS);
    },
  });
}

function delayOf({ body, headers }: Request, status: number): Delay | undefined {
  // The client waits for 100 Continue, which reading the body would send.
  if (body === null || headers.has("expect")) return undefined;
  if (!body.locked) return "read";
  // On its way to the store: the runtime reads on unless sending it fails.
  return headers.has("transfer-encoding") || AFTER_READING.has(status) ? undefined : "wait";
}

async function readOn(upload: ReadableStream<Uint8Array>): Promise<void> {
  const reader = upload.getReader();
  const endMs = performance.now() + MAX_MS;
  let bytes = 0;
  // Ends a pending read as well.
  const stop = () => void reader.cancel().catch(() => {});
  try {
    while (bytes < MAX_BYTES && performance.now() < endMs) {
      const idle = setTimeout(stop, IDLE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(idle));
      if (done) return;
      bytes += value.length;
    }
  } catch {
    // The client has gone.
  } finally {
    stop();
  }
}

function failing(reason: unknown): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: (controller) => controller.error(reason) });
}
