/**
 * Bytes that both ends can make from a number, so that whoever receives them can tell whether they
 * are the right ones, all of them.
 *
 * @module
 */
import { createHash } from "node:crypto";

/**
 * Makes bytes.
 *
 * @returns The same for the same seed and length.
 */
export function seededBytes(seed: number, length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  for (let at = 0; at < words.length; at++) {
    // Xorshift, G. Marsaglia, 2003.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** @returns The SHA-256 of bytes, in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
