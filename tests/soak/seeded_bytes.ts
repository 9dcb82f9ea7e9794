/**
 * Bytes that both ends derive from a number, so that the receiver can verify them.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** Derives bytes from a seed. */
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

/** SHA-256 in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
