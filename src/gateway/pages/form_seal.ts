/**
 * Seals what a page of the gateway's own sends back: a form that was not handed out to this client, or
 * long ago, is not taken, and a notice that the gateway did not write is not shown.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** How long a form may lie open. */
const MAX_AGE_MS = 12 * 3_600_000;

/** Makes and checks seals by a key that all workers share. */
export class FormSeal {
  readonly #key: string;
  readonly #now: () => number;

  /**
   * @param key The key, from a cryptographic source of randomness.
   * @param now The clock, in milliseconds since the epoch.
   */
  constructor(key: string, now: () => number) {
    this.#key = key;
    this.#now = now;
  }

  /**
   * Seals a text.
   *
   * @param text What the seal is for: who gets the form, or what the notice says.
   * @returns The seal, of letters, digits, `-`, `_` and one dot.
   */
  seal(text: string): string {
    const atMs = this.#now().toString(36);
    return `${atMs}.${this.#mac(atMs, text)}`;
  }

  /**
   * Checks a seal.
   *
   * @param text What it has to be for.
   * @returns Whether it is for that and not too old.
   */
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
