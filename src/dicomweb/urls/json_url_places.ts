/**
 * Members of JSON texts that contain URLs, and the search for them.
 *
 * @module
 */
import { JsonKeySearch } from "./json_key_search.ts";
import { URL_ATTRIBUTES } from "./url_attributes.ts";

/** Names of members with URLs, at any depth. */
export interface JsonUrlPlaces {
  /** The value is a URL. */
  readonly urls: readonly string[];
  /** The value is an array of URLs. */
  readonly urlLists: readonly string[];
  /** The value is a DICOM attribute whose `Value` is an array of URLs. */
  readonly attributes: readonly string[];
}

/** DICOM JSON (PS3.18, annex F). */
export const DICOM_JSON_PLACES: JsonUrlPlaces = {
  urls: ["BulkDataURI"],
  urlLists: [],
  attributes: URL_ATTRIBUTES,
};

/** Also Azure's operations, extended query tags and change feed. */
export const VENDOR_JSON_PLACES: JsonUrlPlaces = {
  urls: ["BulkDataURI", "href"],
  urlLists: ["resources"],
  attributes: URL_ATTRIBUTES,
};

export type MemberKind = "url" | "list" | "attribute" | "other";

export interface PreparedPlaces {
  readonly names: readonly string[];
  readonly kinds: readonly MemberKind[];
  /** Shared: read its result before the next search. */
  readonly search: JsonKeySearch;
}

const known = new WeakMap<JsonUrlPlaces, PreparedPlaces>();

/** Prepares the search, once for each set of places. */
export function preparePlaces(places: JsonUrlPlaces): PreparedPlaces {
  const before = known.get(places);
  if (before !== undefined) return before;
  const { urls, urlLists, attributes } = places;
  const names = [...urls, ...urlLists, ...attributes];
  const kinds = [
    ...urls.map((): MemberKind => "url"),
    ...urlLists.map((): MemberKind => "list"),
    ...attributes.map((): MemberKind => "attribute"),
  ];
  const made = { names, kinds, search: new JsonKeySearch(names) };
  known.set(places, made);
  return made;
}
