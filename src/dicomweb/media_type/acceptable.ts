/**
 * Tells whether a client accepts an answer of a media type that the gateway makes itself.
 *
 * @module
 */
import { acceptItems, type MediaType, parseMediaType } from "./media_type.ts";
import { covers, isWild, offeredTypes } from "./offered_type.ts";

/**
 * The media types in a target's query, which stand for those of the header (PS3.18, section 8.3.3.1).
 *
 * @param query The target's query without its `?`.
 * @returns The value as a header has it; `null` where the query has none.
 *
 * @example
 * ```ts
 * import { acceptInQuery } from "./acceptable.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(acceptInQuery("x=1&accept=application%2Fzip"), "application/zip");
 * assert.equal(acceptInQuery("x=1"), null);
 * ```
 */
export function acceptInQuery(query: string): string | null {
  if (!query.includes("accept=")) return null;
  const values = new URLSearchParams(query).getAll("accept").filter((value) => value.trim() !== "");
  return values.length === 0 ? null : values.join(", ");
}

/**
 * A query without its media types.
 *
 * @param query The target's query without its `?`.
 * @returns All other parameters, as they stood.
 */
export function withoutAccept(query: string): string {
  return query.split("&").filter((pair) => pair !== "" && !/^accept(?:=|$)/.test(pair)).join("&");
}

/**
 * Whether a client accepts a media type (RFC 9110, section 12.5.1): the most specific of its media
 * ranges decides.
 *
 * @param accept The client's `Accept`, or `null` where it sent none.
 * @returns Whether it does; also where the header has no media range at all.
 *
 * @example
 * ```ts
 * import { isAcceptable } from "./acceptable.ts";
 * import assert from "node:assert/strict";
 *
 * const type = 'multipart/related; type="application/dicom"';
 * assert.equal(isAcceptable("application/zip, multipart/*;q=0.5", type), true);
 * assert.equal(isAcceptable("application/zip, multipart/*;q=0", type), false);
 * ```
 */
export function isAcceptable(accept: string | null, type: string): boolean {
  const ranges = acceptItems(accept ?? "").map(parseMediaType).filter((range) =>
    range !== undefined
  );
  if (ranges.length === 0) return true;
  const [offer] = offeredTypes([type]);
  const covering = ranges.filter((range) => range.essence === ANY || covers(range, offer!));
  const best = covering.toSorted((a, b) => specificity(b) - specificity(a))[0];
  return best !== undefined && Number(best.parameters.get("q") ?? "1") > 0;
}

const ANY = "*/*";

function specificity(range: MediaType): number {
  if (range.essence === ANY) return 0;
  return range.essence.endsWith("/*") ? 1 : isWild(range) ? 2 : 3;
}
