/**
 * Puts a request's `Content-Type` so that its store understands it. It changes how the header is
 * written and never what it says: the boundary stays what the body was written with.
 *
 * @module
 */
import { UNQUOTED_VALUE } from "./accept.ts";
import { formatMediaType, parseMediaType } from "./media_type.ts";
import type { Profile } from "../profile/profile.ts";

/**
 * Puts a `Content-Type` header for a store.
 *
 * @param contentType The client's header, or nothing where it sent none.
 * @param profile How to deal with the store.
 * @returns The header to send; the client's own where no rule has anything against it.
 *
 * @example
 * ```ts
 * import { normaliseContentType } from "./content_type.ts";
 * import { profiles } from "../profile/profile.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(
 *   normaliseContentType("multipart/related; type=application/dicom; boundary=b", profiles.azure),
 *   'multipart/related; type="application/dicom"; boundary=b',
 * );
 * ```
 */
export function normaliseContentType(contentType: string | null, profile: Profile): string | null {
  if (contentType === null || !profile.rules.quoteMediaTypes) return contentType;
  if (!UNQUOTED_VALUE.test(contentType)) return contentType;
  const type = parseMediaType(contentType);
  return type === undefined ? contentType : formatMediaType(type);
}
