/**
 * Pages of a search (PS3.18, section 8.3.4.4): `limit` and `offset` of a query.
 *
 * @module
 */

/** A search as the client wrote it. */
export interface Search {
  /** The target without `limit` and `offset`, ending in `?` or `&`. */
  readonly target: string;
  /** How many results the client wants; `undefined`: as many as the store gives. */
  readonly limit: number | undefined;
  /** How many results it skips. */
  readonly offset: number;
}

/**
 * Takes `limit` and `offset` out of a search.
 *
 * @param target Path and query, as they stood in the request line.
 * @returns The search; nothing where `limit` or `offset` is no number, which is the store's to refuse.
 *
 * @example
 * ```ts
 * import { readSearch } from "./search_page.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(readSearch("/studies?PatientID=a%2Fb&limit=500"), {
 *   target: "/studies?PatientID=a%2Fb&",
 *   limit: 500,
 *   offset: 0,
 * });
 * ```
 */
export function readSearch(target: string): Search | undefined {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const kept: string[] = [];
  const numbers: Record<string, number> = {};
  for (const pair of mark < 0 ? [] : target.slice(mark + 1).split("&")) {
    const [name = "", value = ""] = pair.split("=");
    if (name !== "limit" && name !== "offset") {
      if (pair !== "") kept.push(pair);
    } else if (!/^\d{1,9}$/.test(value) || name in numbers) {
      return undefined;
    } else {
      numbers[name] = Number(value);
    }
  }
  return {
    target: kept.length === 0 ? `${path}?` : `${path}?${kept.join("&")}&`,
    limit: numbers["limit"],
    offset: numbers["offset"] ?? 0,
  };
}
