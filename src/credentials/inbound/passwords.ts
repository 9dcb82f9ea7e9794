/**
 * Checks clients' passwords. A check is deliberately slow (a good part of a second on a core), so a
 * worker runs one at a time, queues few and rejects the rest. Passwords that were right before have
 * a queue of their own, so that attempts of others do not delay them. An unknown name takes as long
 * as a known one, so that response times do not reveal accounts.
 */
import { type PasswordHash, readPasswordHash } from "../../config/inbound/password_hash.ts";
import type { Secret } from "../../config/values/secret.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { type DeriveKey, deriveKey, isPassword } from "./password.ts";

const MAX_QUEUED = 16;
/** At most one for each right password: a client's requests share one check. */
const MAX_KNOWN_QUEUED = 256;

export class Passwords {
  readonly #hashes: ReadonlyMap<string, PasswordHash>;
  readonly #decoy: PasswordHash;
  readonly #derive: DeriveKey;
  readonly #knownQueue = new CheckQueue(MAX_KNOWN_QUEUED);
  readonly #queue = new CheckQueue(MAX_QUEUED);

  /** @param users Hashes by name, at least one. */
  constructor(users: ReadonlyMap<string, Secret>, derive: DeriveKey = deriveKey) {
    this.#hashes = new Map([...users].map(([name, text]) => [name, hashIn(text)]));
    const [decoy] = this.#hashes.values();
    if (decoy === undefined) throw new TypeError("Cannot check passwords: there are no users");
    this.#decoy = decoy;
    this.#derive = derive;
  }

  /**
   * @param isKnown Whether this password was right for this name before.
   * @throws {GatewayError} AUTH-009 if too many checks are queued.
   */
  async check(
    name: string,
    password: string,
    { isKnown }: { readonly isKnown: boolean } = { isKnown: false },
  ): Promise<boolean> {
    const hash = this.#hashes.get(name);
    const queue = isKnown ? this.#knownQueue : this.#queue;
    const matches = await queue.run(() => isPassword(password, hash ?? this.#decoy, this.#derive));
    return matches && hash !== undefined;
  }
}

/** Runs one check at a time. */
class CheckQueue {
  readonly #maxQueued: number;
  /** Running and queued checks. */
  #pending = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(maxQueued: number) {
    this.#maxQueued = maxQueued;
  }

  async run<T>(check: () => Promise<T>): Promise<T> {
    if (this.#pending > this.#maxQueued) {
      throw new GatewayError(
        "AUTH-009",
        "Cannot check the password: too many are being checked already",
        { retryAfterSeconds: 5 },
      );
    }
    this.#pending++;
    const done = this.#last.then(check);
    this.#last = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#pending--;
    }
  }
}

function hashIn(text: Secret): PasswordHash {
  const { hash } = readPasswordHash(text.reveal());
  if (hash === undefined) throw new TypeError("Cannot check passwords: a hash is none");
  return hash;
}
