/**
 * Members of JSON texts that contain URLs, and the search for them.
 */
import { JsonKeySearch } from "./json_key_search.ts";
import { URL_ATTRIBUTES } from "./url_attributes.ts";

/** The value is a URL, an array of URLs, or a DICOM attribute whose `Value` is an array of URLs. */
export type MemberKind = "url" | "list" | "attribute";

export interface JsonUrlPlaces {
  /** By name of the member, at any depth. */
  readonly kinds: ReadonlyMap<string, MemberKind>;
  /** Shared: read its result before the next search. */
  readonly search: JsonKeySearch;
}

/** DICOM JSON (PS3.18, annex F). */
export const DICOM_JSON_PLACES: JsonUrlPlaces = placesOf([["BulkDataURI", "url"]]);

/** Also Azure's operations, extended query tags and change feed. */
export const VENDOR_JSON_PLACES: JsonUrlPlaces = placesOf([
  ["BulkDataURI", "url"],
  ["href", "url"],
  ["resources", "list"],
]);

function placesOf(members: readonly (readonly [string, MemberKind])[]): JsonUrlPlaces {
  const attributes = URL_ATTRIBUTES.map((tag) => [tag, "attribute"] as const);
  const kinds = new Map([...members, ...attributes]);
  return { kinds, search: new JsonKeySearch([...kinds.keys()]) };
}
