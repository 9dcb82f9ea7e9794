/**
 * Puts right what headers say of a body that the gateway has changed: no length or digest of another
 * one, no ranges of its bytes, and no strong entity tag, which would promise the store's bytes.
 *
 * @module
 */
import { STALE_HEADERS } from "../dicomweb/urls/body_url_rewriter.ts";

/**
 * Takes from an answer's headers what holds of the store's own bytes only. A strong entity tag becomes a
 * weak one (RFC 9110, section 8.8.1): `If-None-Match` works with it, parts of two bodies are not put
 * together by it.
 *
 * @example
 * ```ts
 * import { describeChangedBody } from "./changed_body.ts";
 * import assert from "node:assert/strict";
 *
 * const headers = new Headers({ etag: '"1"', "content-length": "9", "accept-ranges": "bytes" });
 * describeChangedBody(headers);
 * assert.deepEqual([...headers], [["etag", 'W/"1"']]);
 * ```
 */
export function describeChangedBody(headers: Headers): void {
  for (const name of STALE_HEADERS) headers.delete(name);
  const tag = headers.get("etag");
  if (tag?.startsWith('"')) headers.set("etag", `W/${tag}`);
}

/**
 * Gives a 304 the entity tag by which the client knows its answer: a cache that holds the weak one takes
 * a strong one for that of another answer (RFC 9111, section 4.3.4).
 *
 * @param headers The headers of the 304; they are changed.
 *
 * @example
 * ```ts
 * import { answerTagAsAsked } from "./changed_body.ts";
 * import assert from "node:assert/strict";
 *
 * const headers = new Headers({ etag: '"1"' });
 * answerTagAsAsked(headers, 'W/"0", W/"1"');
 * assert.equal(headers.get("etag"), 'W/"1"');
 * ```
 */
export function answerTagAsAsked(headers: Headers, ifNoneMatch: string | null): void {
  const tag = headers.get("etag");
  if (ifNoneMatch === null || !tag?.startsWith('"')) return;
  const asked: readonly string[] = ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? [];
  if (asked.includes(`W/${tag}`) && !asked.includes(tag)) headers.set("etag", `W/${tag}`);
}
