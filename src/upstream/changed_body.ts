/**
 * Corrects the headers of a body that the gateway has changed: no length, digest or ranges of the store's
 * bytes, and no strong entity tag, which would promise them.
 */
import { STALE_HEADERS } from "../dicomweb/urls/body_url_rewriter.ts";

/**
 * Removes the headers that describe the store's own bytes. A strong entity tag becomes a weak one (RFC
 * 9110, section 8.8.1): it serves `If-None-Match`, but does not allow parts of two bodies to be combined.
 */
export function describeChangedBody(headers: Headers): void {
  for (const name of STALE_HEADERS) headers.delete(name);
  const tag = headers.get("etag");
  if (tag?.startsWith('"')) headers.set("etag", `W/${tag}`);
}

/**
 * Gives a 304 the entity tag that the client sent: a cache that stores the weak one takes a strong one for
 * that of another response (RFC 9111, section 4.3.4).
 *
 * @param headers The headers of the 304, which are changed.
 */
export function answerTagAsAsked(headers: Headers, ifNoneMatch: string | null): void {
  const tag = headers.get("etag");
  if (ifNoneMatch === null || !tag?.startsWith('"')) return;
  const asked: readonly string[] = ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? [];
  if (asked.includes(`W/${tag}`) && !asked.includes(tag)) headers.set("etag", `W/${tag}`);
}
