/**
 * Lengths of the bodies of an exchange, as far as they are known: `Content-Length` counts only if the body
 * can have been transferred.
 */
import { contentLength } from "../../dicomweb/completeness/body_check.ts";
import type { PassedBytes } from "../../upstream/forward_request.ts";
import { CLIENT_LEFT } from "./answer_end.ts";

/** Responses without a body, whatever their `Content-Length` (RFC 9110, section 6.4.1). */
const BODILESS: ReadonlySet<number> = new Set([101, 204, 205, 304, CLIENT_LEFT]);

/**
 * Bytes of a request's body that were accepted; undefined if unknown.
 *
 * @param status Of the response: a rejected body is not read completely, or not at all.
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
  // The runtime throws when the body of a request that has become a WebSocket is read.
  if (request.method === "GET" || request.method === "HEAD" || request.body === null) return 0;
  if (passed?.fromClient !== undefined) return passed.fromClient;
  const length = contentLength(request.headers);
  return length === 0 || (status >= 200 && status < 300) ? length : undefined;
}

/**
 * Bytes of a response's body, or of what has passed of it if that is counted; undefined if unknown.
 *
 * @param method Of the request: the response to HEAD states the length of a body that it does not have.
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
  // `response.body` would turn a short body into a stream, which is slower.
  if (method === "HEAD" || BODILESS.has(response.status)) return 0;
  const length = contentLength(response.headers);
  // A rewritten body has another length, and states none.
  return length === undefined ? undefined : passed?.fromStore ?? length;
}
