/**
 * Tells requests that have no body from those that have one: the runtime gives every request but GET
 * and HEAD a body to read, and sends an empty one on in chunks, which stores refuse that want a length,
 * and which would not be sent again. And it tells a body that was taken back from one that has ended.
 *
 * @module
 */
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { wait } from "./pace.ts";

/** A body on its way. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** The part of a `Request` that is looked at. */
export type FramedRequest = Pick<Request, "headers"> & { readonly body: Body | null };

/** How long it may take until a client that takes a request back is known to have gone. */
const GONE_MS = 10;

/**
 * The body of a request, where it has one (RFC 9112, section 6.3).
 *
 * @param request The request.
 * @param signal Ends the waiting.
 * @returns Its body; nothing where it has none. What tells neither length nor chunks is none over
 * HTTP/1.1, but may be one over HTTP/2: its first piece is waited for. Such a body fails where the client
 * takes it back: the runtime (Deno 2.7.14) ends it as if it were whole, and the store would keep a part.
 * @throws {BrokenBodyError} When the body breaks off before its first piece.
 * @throws The signal's reason when it aborts.
 *
 * @example
 * ```ts
 * import { presentBody } from "./present_body.ts";
 * import assert from "node:assert/strict";
 *
 * const { signal } = new AbortController();
 * const request = (body: string, headers: HeadersInit) =>
 *   new Request("http://gateway.example/", { method: "POST", body, headers });
 * assert.equal(await presentBody(request("", { "content-length": "0" }), signal), null);
 * assert.equal(await presentBody(request("", { host: "gateway.example" }), signal), null);
 * assert.equal(await new Response(await presentBody(request("a", {}), signal)).text(), "a");
 * ```
 */
export function presentBody(
  { headers, body }: FramedRequest,
  signal: AbortSignal,
): Body | null | Promise<Body | null> {
  if (body === null || headers.has("transfer-encoding")) return body;
  const length = headers.get("content-length");
  // Over HTTP/2 there is no Host.
  if (length === null) return begunBody(body, signal, headers.has("host") ? 0 : GONE_MS);
  return length === "0" ? null : body;
}

/** Waits for the first piece of a body, and puts it back. */
async function begunBody(body: Body, signal: AbortSignal, goneMs: number): Promise<Body | null> {
  const reader = body.getReader();
  const giveUp = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", giveUp, { once: true });
  const first = await firstPiece(reader).catch((cause) => {
    signal.throwIfAborted();
    throw new BrokenBodyError("it broke off before it began", { cause });
  });
  signal.removeEventListener("abort", giveUp);
  if (first === undefined) {
    await wait(goneMs, signal);
    return null;
  }
  return new ReadableStream({
    start: (controller) => controller.enqueue(first),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      await wait(goneMs, signal);
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

async function firstPiece(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value.length > 0) return value;
  }
}
