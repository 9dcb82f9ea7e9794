/**
 * Parses the query of a Search transaction (PS3.18, section 8.3.4) and matches attributes (PS3.4,
 * section C.2.2.2): single values, lists of UIDs, wildcards, ranges of dates and times.
 */
import { parseAttributeName } from "./dicom_dictionary.ts";
import type { DicomJson, DicomJsonAttribute, DicomJsonValue } from "./dicom_json.ts";
import { Problem } from "./problem.ts";

export interface SearchQuery {
  /** The values to match. */
  readonly keys: readonly (readonly [tag: string, value: string])[];
  /** Further attributes of the results. */
  readonly include: ReadonlySet<string> | "all";
  readonly limit: number;
  readonly offset: number;
  /** Whether fuzzy matching is requested, which is not supported. */
  readonly isFuzzy: boolean;
}

/** @throws {Problem} 400 for a parameter that is unknown or has an invalid value. */
export function parseSearchQuery(parameters: URLSearchParams): SearchQuery {
  const keys: [string, string][] = [];
  const include = new Set<string>();
  let includesAll = false;
  let limit = Infinity;
  let offset = 0;
  let isFuzzy = false;
  for (const [name, value] of parameters) {
    if (name === "limit") limit = parseCount(name, value);
    else if (name === "offset") offset = parseCount(name, value);
    else if (name === "fuzzymatching") isFuzzy = value === "true";
    else if (name === "includefield") {
      for (const each of value.split(",")) {
        const tag = parseAttributeName(each);
        if (each === "all") includesAll = true;
        else if (tag !== undefined) include.add(tag);
      }
    } else {
      const tag = parseAttributeName(name);
      if (tag === undefined) throw new Problem(400, `The query parameter ${name} is not supported`);
      keys.push([tag, value]);
    }
  }
  return { keys, include: includesAll ? "all" : include, limit, offset, isFuzzy };
}

/** Whether a dataset matches all keys of a query. */
export function isMatch(json: DicomJson, query: SearchQuery): boolean {
  return query.keys.every(([tag, key]) => isAttributeMatch(json[tag], key));
}

function isAttributeMatch(attribute: DicomJsonAttribute | undefined, key: string): boolean {
  if (/^\**$/.test(key)) return true;
  const values = (attribute?.Value ?? []).flatMap(textsOf);
  switch (attribute?.vr) {
    case "UI":
      return key.split(/[,\\]/).some((uid) => values.includes(uid));
    case "DA":
    case "TM": {
      const [from = "", to] = key.split("-");
      if (to === undefined) return values.includes(key);
      // The range includes both ends, and values more precise than its end.
      return values.some((value) =>
        value >= from && (to === "" || value.slice(0, to.length) <= to)
      );
    }
    default: {
      const pattern = wildcard(key, attribute?.vr === "PN" ? "i" : "");
      return values.some((value) => pattern.test(value));
    }
  }
}

function textsOf(value: DicomJsonValue): string[] {
  if (value === null) return [];
  if (typeof value !== "object") return [`${value}`];
  // The component groups of a person name; items of a sequence have no text.
  return Object.values(value).filter((group) => typeof group === "string");
}

/** `*` matches any characters and `?` one. */
function wildcard(key: string, flags: string): RegExp {
  const escaped = key.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
  const pattern = escaped.replace(/\*+/g, ".*").replaceAll("?", ".");
  // Its time is not linear, but the demo listens on loopback only.
  return new RegExp(`^${pattern}$`, `s${flags}`);
}

function parseCount(name: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new Problem(400, `${name} is not a whole number: ${value}`);
  return Number(value);
}
