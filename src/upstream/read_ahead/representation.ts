/**
 * Which requests can be answered from memory, and what chooses the answer: the headers that reach the
 * store, as it may have one for each of them, such as an API key of its own.
 */
import type { HeaderFields } from "../../network/header_fields.ts";

/** They differ from request to request and choose nothing. */
const OF_ONE_REQUEST: ReadonlySet<string> = new Set([
  "b3",
  "priority",
  "request-id",
  "traceparent",
  "tracestate",
  "user-agent",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-spanid",
  "x-b3-traceid",
  "x-correlation-id",
  "x-request-id",
]);

/** Compared with what is in memory. */
const CONDITIONS: readonly string[] = ["if-none-match", "if-modified-since"];

/** Only the store can answer a request with one of these; the last two demand its own answer. */
const ONLY_BY_STORE: readonly string[] = [
  "range",
  "if-range",
  "if-match",
  "if-unmodified-since",
  "cache-control",
  "pragma",
];

/** Whether a header of a request can choose the answer. */
export function isChoosing(name: string): boolean {
  return !OF_ONE_REQUEST.has(name);
}

/** Whether a request can be answered by what is in memory. */
export function isAnswerable(headers: Headers): boolean {
  return !ONLY_BY_STORE.some((name) => headers.has(name));
}

export function isConditional(headers: Headers): boolean {
  return CONDITIONS.some((name) => headers.has(name));
}

/** The headers of a request that choose the answer, without conditions. */
export function choosingHeaders(headers: HeaderFields): [name: string, value: string][] {
  return headers.list().filter(([name]) => isChoosing(name) && !CONDITIONS.includes(name));
}

/**
 * The answer to a request with conditions, given the current one (RFC 9110, section 13.2.2).
 *
 * @param asked The headers of the request.
 * @returns Whether it is 304.
 */
export function isNotModified(asked: Headers, current: Headers): boolean {
  const tags = asked.get("if-none-match");
  if (tags !== null) {
    const tag = current.get("etag");
    if (tags.trim() === "*") return true;
    // Compared weakly, as the tag that the client has may be weak because of changed URLs.
    const asked: readonly string[] = tags.match(/"[^"]*"/g) ?? [];
    return tag !== null && asked.includes(tag.replace(/^W\//, ""));
  }
  const since = Date.parse(asked.get("if-modified-since") ?? "");
  return Date.parse(current.get("last-modified") ?? "") <= since;
}
