/**
 * How long the bodies of an exchange were, as far as that is known: what a header says is believed only
 * where the body can have passed.
 *
 * @module
 */
import { contentLength } from "../../dicomweb/completeness/body_check.ts";
import type { PassedBytes } from "../../upstream/store.ts";
import { CLIENT_LEFT } from "./answer_end.ts";

/** Answers that have no body, whatever length they tell (RFC 9110, section 6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([101, 204, 205, 304, CLIENT_LEFT]);

/**
 * How much of a request's body was taken.
 *
 * @param status What it was answered: a body that is refused is not read to its end, or not at all.
 * @param passed What was counted, where something was.
 * @returns Bytes; nothing where it is not known.
 *
 * @example
 * ```ts
 * import { receivedBytes } from "./body_bytes.ts";
 * import assert from "node:assert/strict";
 *
 * const headers = { "content-length": "4" };
 * const request = new Request("http://gateway.example", { method: "POST", body: "body", headers });
 * assert.equal(receivedBytes(request, 200), 4);
 * assert.equal(receivedBytes(request, 413), undefined);
 * ```
 */
export function receivedBytes(
  request: Pick<Request, "method" | "body" | "headers">,
  status: number,
  passed?: PassedBytes,
): number | undefined {
  // The runtime throws when it is asked for the body of a request that has become a WebSocket.
  if (request.method === "GET" || request.method === "HEAD" || request.body === null) return 0;
  if (passed?.fromClient !== undefined) return passed.fromClient;
  const length = contentLength(request.headers);
  return length === 0 || (status >= 200 && status < 300) ? length : undefined;
}

/**
 * How long an answer's body is, or how much of it has passed where that is counted.
 *
 * @param method The request's method: an answer to HEAD tells the length of a body that it has not.
 * @param passed What was counted, where something was.
 * @returns Bytes; nothing where it is not known.
 *
 * @example
 * ```ts
 * import { sentBytes } from "./body_bytes.ts";
 * import assert from "node:assert/strict";
 *
 * const headers = { "content-length": "4" };
 * assert.equal(sentBytes("GET", new Response("body", { headers })), 4);
 * assert.equal(sentBytes("HEAD", new Response(null, { headers })), 0);
 * assert.equal(sentBytes("GET", new Response(null, { status: 304, headers })), 0);
 * ```
 */
export function sentBytes(
  method: string,
  response: Pick<Response, "status" | "headers">,
  passed?: PassedBytes,
): number | undefined {
  // Not by the body itself: the runtime makes a slow stream of a short one that is looked at.
  if (method === "HEAD" || BODILESS.has(response.status)) return 0;
  const length = contentLength(response.headers);
  // What is rewritten on its way has another length, and tells none.
  return length === undefined ? undefined : passed?.fromStore ?? length;
}
