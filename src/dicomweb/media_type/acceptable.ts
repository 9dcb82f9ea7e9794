/**
 * Media types that a client accepts, in the query and in `Accept`.
 */
import { mediaRanges, type MediaType } from "./media_type.ts";
import { covers, isWild, offeredTypes } from "./offered_type.ts";

/**
 * Media types in a query (without its `?`), which override the header (PS3.18, section 8.3.3.1), as
 * the value of a header; null if there are none.
 */
export function acceptInQuery(query: string): string | null {
  if (!query.includes("accept=")) return null;
  const values = new URLSearchParams(query).getAll("accept").filter((value) => value.trim() !== "");
  return values.length === 0 ? null : values.join(", ");
}

/** Removes the media types from a query without its `?`; other parameters are unchanged. */
export function withoutAccept(query: string): string {
  return query.split("&").filter((pair) => pair !== "" && !/^accept(?:=|$)/.test(pair)).join("&");
}

/**
 * Whether a client accepts a media type (RFC 9110, section 12.5.1): the most specific of its media
 * ranges decides. A header without media ranges accepts all.
 */
export function isAcceptable(accept: string | null, type: string): boolean {
  const ranges = mediaRanges(accept ?? "");
  if (ranges.length === 0) return true;
  const [offer] = offeredTypes([type]);
  const covering = ranges.filter((range) => range.essence === ANY || covers(range, offer!));
  const best = covering.toSorted((a, b) => specificity(b) - specificity(a))[0];
  return best !== undefined && best.quality > 0;
}

const ANY = "*/*";

function specificity(range: MediaType): number {
  if (range.essence === ANY) return 0;
  return range.essence.endsWith("/*") ? 1 : isWild(range) ? 2 : 3;
}
