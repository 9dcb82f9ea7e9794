/**
 * Validates identifiers in decoded segments of paths. Permissions depend on it: a segment that a
 * store could interpret in another way, such as `..;` or the name of an operation, is no identifier.
 */

/** Wider than PS3.5, as stores are, but no name of an operation (`count`, `$bulkUpdate`). */
const UID = /^\d[\w-]*(?:\.[\w-]+)*$/;
/** PS3.5, section 9.1: 64 characters; some stores allow more. */
const MAX_UID_LENGTH = 128;
/** PS3.5, table 6.2-1, without characters that have a meaning in URLs; not only dots and blanks. */
const AE_TITLE = /^(?=.{0,15}[A-Za-z0-9])[\w !$&'()*+,.:=@^~-]{1,16}$/;
/** A tag or keyword of an attribute, an index of an item, a digest: what Bulkdata URIs end in. */
const BULKDATA_SEGMENT = /^(?=.*[A-Za-z0-9])[\w.~@:=,+()*$!-]+$/;
const MAX_SEGMENT_LENGTH = 128;
/** Two for each sequence on the way to the attribute. */
const MAX_BULKDATA_SEGMENTS = 32;

export function isUid(text: string | null | undefined): text is string {
  return typeof text === "string" && text.length <= MAX_UID_LENGTH && UID.test(text);
}

export function isAeTitle(text: string | undefined): boolean {
  return text !== undefined && AE_TITLE.test(text);
}

/** Whether segments can follow `bulkdata`, up to the store by PS3.18, section 10.4.1.1.5. */
export function isBulkdataPath(segments: readonly string[]): boolean {
  return segments.length <= MAX_BULKDATA_SEGMENTS &&
    segments.every((segment) =>
      segment.length <= MAX_SEGMENT_LENGTH && BULKDATA_SEGMENT.test(segment)
    );
}

/** An extended query tag of Azure: a tag, a keyword or the path of a private tag. */
export function isQueryTag(text: string | undefined): boolean {
  return text !== undefined && /^[A-Za-z0-9]{1,64}$/.test(text);
}

/** An operation of Azure: a GUID, with or without dashes. */
export function isOperation(text: string | undefined): boolean {
  return text !== undefined && /^[A-Za-z0-9][\w-]{0,63}$/.test(text);
}

/** A partition of Azure (vendor page "Enable data partitioning"). */
export function isPartition(text: string | undefined): text is string {
  return text !== undefined && /^(?=.*[\w-])[\w.-]{1,64}$/.test(text);
}
