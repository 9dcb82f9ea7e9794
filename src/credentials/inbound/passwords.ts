/**
 * Checks the passwords of clients. A check costs a core a good part of a second, which is the point of
 * it, so only one runs at a time in a worker, few wait, and the rest are turned away. Passwords that were
 * right before have a turn of their own, so that the attempts of others do not keep them waiting. An unknown name
 * costs as much as a known one: how long the answer takes does not tell who has an account.
 *
 * @module
 */
import { bulkhead, BulkheadRejectedError } from "cockatiel";
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
    known: bulkhead(1, MAX_KNOWN_WAITING),
    unknown: bulkhead(1, MAX_WAITING),
  } as const;

  /**
   * @param users Hashes by name, at least one.
   * @param derive Derives keys, for tests.
   */
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
   * @param name Who says to know it.
   * @param password The password.
   * @param attempt Whether this password was right for this name before.
   * @returns Whether it is theirs.
   * @throws {GatewayError} AUTH-009 when too many checks wait.
   */
  async check(
    name: string,
    password: string,
    { isKnown }: { readonly isKnown: boolean } = { isKnown: false },
  ): Promise<boolean> {
    const hash = this.#hashes.get(name);
    try {
      const matches = await this.#turns[isKnown ? "known" : "unknown"].execute(() =>
        isPassword(password, hash ?? this.#decoy, this.#derive)
      );
      return matches && hash !== undefined;
    } catch (cause) {
      if (!(cause instanceof BulkheadRejectedError)) throw cause;
      throw new GatewayError(
        "AUTH-009",
        "Cannot check the password: too many others are being checked",
        { retryAfterSeconds: 5 },
      );
    }
  }
}

function hashIn(text: Secret): PasswordHash {
  const { hash } = readPasswordHash(text.reveal());
  if (hash === undefined) throw new TypeError("Cannot check passwords: a hash is none");
  return hash;
}
