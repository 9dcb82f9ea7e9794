/**
 * Requests without a body. The runtime gives every request but GET and HEAD one, empty where there is
 * none; passed on, that would be a body in chunks, which is never sent again when the store fails.
 *
 * @module
 */

/** Methods whose body, if there were one, would mean nothing (RFC 9110, sections 9.3.5 and 9.3.7). */
const BODILESS: ReadonlySet<string> = new Set(["DELETE", "OPTIONS"]);

/**
 * Takes the body from a request that has none, as far as its headers tell (RFC 9112, section 6.3). Over
 * HTTP/2 a body needs no header: so where nothing is told, only of methods whose body means nothing.
 *
 * @param request A request.
 * @returns The same, or one like it with `null` for its body.
 *
 * @example
 * ```ts
 * import { withoutAbsentBody } from "./absent_body.ts";
 * import assert from "node:assert/strict";
 *
 * const request = new Request("http://gateway.example", { method: "DELETE", body: "" });
 * assert.equal(withoutAbsentBody(request).body, null);
 * ```
 */
export function withoutAbsentBody(request: Request): Request {
  const { method, headers } = request;
  if (method === "GET" || method === "HEAD" || headers.has("transfer-encoding")) return request;
  const length = headers.get("content-length");
  if (length === null ? !BODILESS.has(method) : length !== "0") return request;
  return new Request(request.url, { method, headers, signal: request.signal });
}
