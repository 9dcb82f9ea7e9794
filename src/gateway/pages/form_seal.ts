/**
 * Seals what the status page sends back to the gateway: rejects forms that were issued to another client
 * or too long ago, and notices that the gateway did not write.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

const MAX_AGE_MS = 12 * 3_600_000;

/** Creates and verifies seals with a key that all workers share. */
export class FormSeal {
  readonly #key: string;
  readonly #now: () => number;

  /** @param key From a cryptographic source of randomness. */
  constructor(key: string, now: () => number) {
    this.#key = key;
    this.#now = now;
  }

  /** @returns Letters, digits, `-`, `_` and one dot. */
  seal(text: string): string {
    const atMs = this.#now().toString(36);
    return `${atMs}.${this.#mac(atMs, text)}`;
  }

  /** Whether a seal is for the text, and not too old. */
  isFor(seal: string, text: string): boolean {
    const [atMs = "", mac = ""] = seal.split(".", 2);
    const given = new TextEncoder().encode(mac);
    const right = new TextEncoder().encode(this.#mac(atMs, text));
    if (given.length !== right.length || !timingSafeEqual(given, right)) return false;
    const ageMs = this.#now() - Number.parseInt(atMs, 36);
    return ageMs >= -60_000 && ageMs <= MAX_AGE_MS;
  }

  #mac(atMs: string, text: string): string {
    return createHmac("sha256", this.#key).update(`${atMs}\n${text}`).digest("base64url");
  }
}
