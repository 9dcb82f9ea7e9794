/**
 * Finds JWTs in text that is about to be written or shown.
 *
 * @module
 */

/**
 * What begins as every base64url-encoded JSON object does, with the two parts behind it where there are
 * any. A run without them is matched too, so that the search goes on behind it: to begin anew at every
 * `eyJ` within it would take quadratic time.
 */
export const JWT_LIKE = /eyJ[\w-]*(?:\.[\w-]*\.[\w-]*)?/g;

/**
 * Makes the replacement for matches of {@linkcode JWT_LIKE}.
 *
 * @param mask What is put in place of a JWT.
 * @returns Takes a match; one that is no JWT comes back as it is.
 *
 * @example
 * ```ts
 * import { JWT_LIKE, maskJwt } from "./jwt_mask.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal("token eyJh.eyJi.c, eyJ".replace(JWT_LIKE, maskJwt("***")), "token ***, eyJ");
 * ```
 */
export function maskJwt(mask: string): (match: string) => string {
  return (match) => match.includes(".") ? mask : match;
}
