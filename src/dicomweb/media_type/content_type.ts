/**
 * Normalizes the syntax of `Content-Type` for a store. The meaning is unchanged: the boundary is
 * part of the body.
 *
 * @module
 */
import { UNQUOTED_VALUE } from "./accept.ts";
import { formatMediaType, parseMediaType } from "./media_type.ts";
import type { Profile } from "../profile/profile.ts";

/** Quotes parameters that require it; returns the same header if no rule applies. */
export function normaliseContentType(contentType: string | null, profile: Profile): string | null {
  if (contentType === null || !profile.rules.quoteMediaTypes) return contentType;
  if (!UNQUOTED_VALUE.test(contentType)) return contentType;
  const type = parseMediaType(contentType);
  return type === undefined ? contentType : formatMediaType(type);
}
