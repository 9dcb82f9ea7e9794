/**
 * Caches verified credentials for a while, so that a client that sends its password with every
 * request costs one slow check. Stores digests with a key that never leaves this process, so that
 * its memory reveals no password.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Caller, VerifiedCaller } from "./caller.ts";

const MAX_ENTRIES = 10_000;

export class VerifiedCredentials {
  readonly #key = randomBytes(32).toString("hex");
  readonly #callers = new Map<string, VerifiedCaller>();
  readonly #now: () => number;

  /** @param now Wall clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The cache key of a credential.
   *
   * @param credential As sent, with its scheme.
   */
  digest(credential: string): string {
    // A key prefix suffices and takes a fifth of HMAC's time: digests never leave this process, so
    // that length extension is no threat.
    return createHash("sha256").update(this.#key + credential).digest("hex");
  }

  get(digest: string): Caller | undefined {
    const known = this.#callers.get(digest);
    if (known === undefined) return undefined;
    if (this.#now() < known.untilMs) return known.caller;
    this.#callers.delete(digest);
    return undefined;
  }

  /** Evicts the oldest entry if the cache is full. */
  set(digest: string, verified: VerifiedCaller): void {
    this.#callers.delete(digest);
    if (this.#callers.size >= MAX_ENTRIES) {
      const [oldest] = this.#callers.keys();
      if (oldest !== undefined) this.#callers.delete(oldest);
    }
    this.#callers.set(digest, verified);
  }
}
