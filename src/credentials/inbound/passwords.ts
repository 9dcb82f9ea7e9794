/**
 * Checks the passwords of clients. A check costs a core a good part of a second, which is the point of
 * it, so only one runs at a time in a worker, few wait, and the rest are turned away. Passwords that were
 * right before have a turn of their own, so that the attempts of others do not keep them waiting. An unknown name
 * costs as much as a known one: how long the answer takes does not tell who has an account.
 *
 * @module
 */
import { type PasswordHash, readPasswordHash } from "../../config/inbound/password_hash.ts";
import type { Secret } from "../../config/values/secret.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { type DeriveKey, deriveKey, isPassword } from "./password.ts";

/** Checks that may wait for the one that runs. */
const MAX_WAITING = 16;
/** There are no more of these than right passwords: each client's requests share one check. */
const MAX_KNOWN_WAITING = 256;

/** The users and their passwords. */
export class Passwords {
  readonly #hashes: ReadonlyMap<string, PasswordHash>;
  readonly #decoy: PasswordHash;
  readonly #derive: DeriveKey;
  readonly #turns = {
    known: new Turns(MAX_KNOWN_WAITING),
    unknown: new Turns(MAX_WAITING),
  } as const;

  /** @param users Hashes by name, at least one. */
  constructor(users: ReadonlyMap<string, Secret>, derive: DeriveKey = deriveKey) {
    this.#hashes = new Map([...users].map(([name, text]) => [name, hashIn(text)]));
    const [decoy] = this.#hashes.values();
    if (decoy === undefined) throw new TypeError("Cannot check passwords: there are no users");
    this.#decoy = decoy;
    this.#derive = derive;
  }

  /**
   * Checks a password.
   *
   * @param attempt Whether this password was right for this name before.
   * @throws {GatewayError} AUTH-009 when too many checks wait.
   */
  async check(
    name: string,
    password: string,
    { isKnown }: { readonly isKnown: boolean } = { isKnown: false },
  ): Promise<boolean> {
    const hash = this.#hashes.get(name);
    const matches = await this.#turns[isKnown ? "known" : "unknown"].run(() =>
      isPassword(password, hash ?? this.#decoy, this.#derive)
    );
    return matches && hash !== undefined;
  }
}

/** Runs one check after another. */
class Turns {
  readonly #maxWaiting: number;
  /** Checks that run or wait. */
  #pending = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  async run<T>(check: () => Promise<T>): Promise<T> {
    if (this.#pending > this.#maxWaiting) {
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
