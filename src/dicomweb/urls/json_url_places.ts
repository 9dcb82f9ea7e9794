/**
 * Where JSON texts have URLs, and what it takes to find them there.
 *
 * @module
 */
import { JsonKeySearch } from "./json_key_search.ts";
import { URL_ATTRIBUTES } from "./url_attributes.ts";

/** Where a JSON text has URLs: names of members, at any depth. */
export interface JsonUrlPlaces {
  /** Their value is a URL. */
  readonly urls: readonly string[];
  /** Their value is an array of URLs. */
  readonly urlLists: readonly string[];
  /** Their value is a DICOM attribute, whose `Value` is an array of URLs. */
  readonly attributes: readonly string[];
}

/** The places of DICOM JSON (PS3.18, annex F). */
export const DICOM_JSON_PLACES: JsonUrlPlaces = {
  urls: ["BulkDataURI"],
  urlLists: [],
  attributes: URL_ATTRIBUTES,
};

/** Those of Azure's operations, extended query tags and change feed too. */
export const VENDOR_JSON_PLACES: JsonUrlPlaces = {
  urls: ["BulkDataURI", "href"],
  urlLists: ["resources"],
  attributes: URL_ATTRIBUTES,
};

/** What the value of a member is taken for. */
export type MemberKind = "url" | "list" | "attribute" | "other";

/** What all texts with the same places have in common. */
export interface PreparedPlaces {
  readonly names: readonly string[];
  readonly kinds: readonly MemberKind[];
  /** What it found is looked at before anyone else searches. */
  readonly search: JsonKeySearch;
}

const known = new WeakMap<JsonUrlPlaces, PreparedPlaces>();

/**
 * Prepares the search for places, once for all texts that have them.
 *
 * @returns What is needed to find them.
 */
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
