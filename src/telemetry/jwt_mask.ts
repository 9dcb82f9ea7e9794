/**
 * Finds JWTs in text for logs and messages.
 */

/**
 * The beginning of every base64url-encoded JSON object, with two more parts if present. A run without
 * them matches too, so that the search continues behind it: to restart at every `eyJ` within it would
 * take quadratic time.
 */
export const JWT_LIKE = /eyJ[\w-]*(?:\.[\w-]*\.[\w-]*)?/g;

/** Makes the replacer for matches of {@linkcode JWT_LIKE}; it keeps those that are no JWT. */
export function maskJwt(mask: string): (match: string) => string {
  return (match) => match.includes(".") ? mask : match;
}
