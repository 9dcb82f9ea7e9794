/**
 * `limit` and `offset` of a search (PS3.18, section 8.3.4.4).
 */

export interface Search {
  /** The target without `limit` and `offset`, ending in `?` or `&`. */
  readonly target: string;
  /** Undefined: as many results as the store returns. */
  readonly limit: number | undefined;
  readonly offset: number;
}

/** Separates `limit` and `offset`; undefined if one is repeated or no number: the store rejects it. */
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
