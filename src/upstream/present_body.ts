/**
 * Determines whether a request has a body. The runtime gives every request but GET and HEAD one, and would
 * send an empty one in chunks, which some stores reject and which cannot be retried. A body over HTTP/2
 * without a length passes only if its content shows its end: one that is reset by its sender looks
 * complete to a program (Deno 2.7.14), and the store would keep a part.
 */
import { BodyCheck, contentLength, isFramed } from "../dicomweb/completeness/body_check.ts";
import { cancelOrRelease } from "../dicomweb/completeness/released_body.ts";
import { wholeRequestBody } from "../dicomweb/completeness/whole_body.ts";
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { resumed } from "../network/bounded_body.ts";
import { sleep } from "../network/wait.ts";

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

export type FramedRequest = Pick<Request, "headers" | "method"> & { readonly body: Body | null };

/** Within this time, a client that reset its request is known to have left. */
const GONE_MS = 10;

/** Methods that need a body: clients without one send a length of 0. */
const EXPECT_BODY: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/**
 * The body of a request, if it has one (RFC 9112, section 6.3). Without length and chunks it has none over
 * HTTP/1.1, but may have one over HTTP/2: its first piece is awaited, and its end is checked.
 *
 * @throws {BrokenBodyError} When the body breaks off before its first piece.
 * @throws {GatewayError} NET-005 with 411 for a body whose end cannot be recognized.
 * @throws The signal's reason when it aborts.
 */
export function presentBody(
  { method, headers, body }: FramedRequest,
  signal: AbortSignal,
): Body | null | Promise<Body | null> {
  if (body === null || headers.has("transfer-encoding")) return body;
  if (isFramed(headers)) return contentLength(headers) === 0 ? null : body;
  return begunBody(body, { headers, signal, goneMs: EXPECT_BODY.has(method) ? GONE_MS : 0 });
}

/** Waits for the first piece of a body. */
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
    // A request that was reset before its body began ends in the same way, but its client has left.
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
  const cancel = (reason: unknown) => cancelOrRelease(body, reader, reason);
  return wholeRequestBody(resumed([first], reader, cancel), headers);
}

async function firstPiece(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value.length > 0) return value;
  }
}
