/**
 * Tells credentials apart without telling what they are: part of the key under which a token is
 * cached, so that changed credentials never meet a token of the old ones.
 *
 * @module
 */
import { createHash } from "node:crypto";

/**
 * Digests everything that makes a token what it is.
 *
 * @param parts Secrets among them; the order counts.
 * @returns The first 128 bits of a SHA-256 digest, in hexadecimal.
 *
 * @example
 * ```ts
 * import { fingerprint } from "./fingerprint.ts";
 * import assert from "node:assert/strict";
 *
 * assert.match(fingerprint(["id", "secret"]), /^[0-9a-f]{32}$/);
 * // JSON keeps the parts apart.
 * assert.notEqual(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
 * ```
 */
export function fingerprint(parts: readonly (string | readonly string[])[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
