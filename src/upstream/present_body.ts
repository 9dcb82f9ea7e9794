/**
 * Tells requests that have no body from those that have one: the runtime gives every request but GET
 * and HEAD a body to read, and sends an empty one on in chunks, which stores refuse that want a length,
 * and which would not be sent again. A body over HTTP/2 that tells no length is passed on only where its
 * own content shows its end: one that its sender takes back looks to a program (Deno 2.7.14) as if it had
 * ended, and the store would keep a part.
 *
 * @module
 */
import { BodyCheck, contentLength, isFramed } from "../dicomweb/completeness/body_check.ts";
import { cancelOrRelease } from "../dicomweb/completeness/released_body.ts";
import { wholeRequestBody } from "../dicomweb/completeness/whole_body.ts";
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { sleep } from "../network/wait.ts";

/** A body on its way. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** The part of a `Request` that is looked at. */
export type FramedRequest = Pick<Request, "headers" | "method"> & { readonly body: Body | null };

/** How long it may take until a client that takes a request back is known to have gone. */
const GONE_MS = 10;

/** Methods whose requests mean little without a body; clients tell a length of 0 where they have none. */
const EXPECT_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/**
 * The body of a request, where it has one (RFC 9112, section 6.3).
 *
 * @returns Its body; nothing where it has none. What tells neither length nor chunks is none over
 * HTTP/1.1, but may be one over HTTP/2: its first piece is waited for, and its end is checked.
 * @throws {BrokenBodyError} When the body breaks off before its first piece.
 * @throws {GatewayError} NET-005 with 411 for a body whose end nobody can know.
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
 * assert.equal(await presentBody(request("", {}), signal), null);
 * const json = await presentBody(request("[]", { "content-type": "application/json" }), signal);
 * assert.equal(await new Response(json).text(), "[]");
 * ```
 */
export function presentBody(
  { method, headers, body }: FramedRequest,
  signal: AbortSignal,
): Body | null | Promise<Body | null> {
  if (body === null || headers.has("transfer-encoding")) return body;
  if (isFramed(headers)) return contentLength(headers) === 0 ? null : body;
  return begunBody(body, { headers, signal, goneMs: EXPECT_BODY.has(method) ? GONE_MS : 0 });
}

/** Waits for the first piece of a body, and puts it back. */
async function begunBody(
  body: Body,
  { headers, signal, goneMs }: {
    readonly headers: Headers;
    readonly signal: AbortSignal;
    readonly goneMs: number;
  },
): Promise<Body | null> {
  const reader = body.getReader();
  const giveUp = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", giveUp, { once: true });
  const first = await firstPiece(reader).catch((cause) => {
    signal.throwIfAborted();
    throw new BrokenBodyError("it broke off before it began", { cause });
  });
  signal.removeEventListener("abort", giveUp);
  if (first === undefined) {
    reader.releaseLock();
    // One that was taken back before it began ends in the same way, and its client has gone by then.
    await sleep(goneMs, { signal });
    return null;
  }
  if (!new BodyCheck(headers).canTell) {
    reader.releaseLock();
    throw new GatewayError(
      "NET-005",
      "Cannot forward the request: nothing in it marks the end of its body, so that a truncated " +
        "body would go unnoticed",
      { status: 411, troubleshooting: ["Send the body with its Content-Length, or over HTTP/1.1"] },
    );
  }
  const begun = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(first),
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => cancelOrRelease(body, reader, reason),
  }, { highWaterMark: 0 });
  return wholeRequestBody(begun, headers);
}

async function firstPiece(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value.length > 0) return value;
  }
}
