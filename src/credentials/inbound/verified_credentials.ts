/**
 * Remembers for a while which credentials were found right, so that a client that sends its password
 * with every request costs one slow check and not thousands. It keeps digests under a key that never
 * leaves this process: from its memory nobody can tell a password.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import type { Caller, VerifiedCaller } from "./caller.ts";

const MAX_ENTRIES = 10_000;

/** Credentials that were found right. */
export class VerifiedCredentials {
  readonly #key = randomBytes(32).toString("hex");
  readonly #callers = new Map<string, VerifiedCaller>();
  readonly #now: () => number;

  /** @param now The wall clock in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * The name under which a credential is remembered.
   *
   * @param credential The credential as it came, with its kind.
   */
  digest(credential: string): string {
    // The key in front is enough, and a fifth of HMAC's time: digests leave this process never, so
    // nobody can lengthen one.
    return createHash("sha256").update(this.#key + credential).digest("hex");
  }

  /**
   * Looks a credential up.
   *
   * @returns Whose it is; nothing where it has to be checked.
   */
  get(digest: string): Caller | undefined {
    const known = this.#callers.get(digest);
    if (known === undefined) return undefined;
    if (this.#now() < known.untilMs) return known.caller;
    this.#callers.delete(digest);
    return undefined;
  }

  /**
   * Remembers a credential; where there is no room left, the oldest is forgotten.
   *
   * @param verified Whose it is, and until when.
   */
  set(digest: string, verified: VerifiedCaller): void {
    this.#callers.delete(digest);
    if (this.#callers.size >= MAX_ENTRIES) {
      const [oldest] = this.#callers.keys();
      if (oldest !== undefined) this.#callers.delete(oldest);
    }
    this.#callers.set(digest, verified);
  }
}
