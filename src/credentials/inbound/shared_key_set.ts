/**
 * Keys that many requests want at once: what one of them fetches serves all, so that nobody can make
 * the gateway flood an issuer.
 *
 * @module
 */
import type { JWSHeaderParameters } from "jose";
import type { KeySet } from "../key_set.ts";

/** A key set that is asked for one thing once at a time. */
export class SharedKeySet implements KeySet {
  readonly #keys: KeySet;
  readonly #searches = new Map<string, Promise<readonly CryptoKey[]>>();
  /** The client that began it may leave; the others go on waiting. The fetch has its own limit. */
  readonly #never = new AbortController().signal;
  #loading: Promise<void> | undefined;

  /** @param keys Where the keys come from. */
  constructor(keys: KeySet) {
    this.#keys = keys;
  }

  /**
   * Sees to it that there are keys.
   *
   * @throws {GatewayError} When there are none.
   */
  load(): Promise<void> {
    return this.#loading ??= this.#keys.load(this.#never).finally(() => this.#loading = undefined);
  }

  /**
   * Finds the keys that a token may be signed with.
   *
   * @param header The token's header.
   * @returns The keys; none where none fits.
   * @throws {GatewayError} When there are no keys to look among.
   */
  async find(header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    await this.load();
    const wanted = JSON.stringify([header.alg, header.kid]);
    const running = this.#searches.get(wanted);
    if (running !== undefined) return await running;
    const search = this.#keys.find(header, this.#never).finally(() =>
      this.#searches.delete(wanted)
    );
    this.#searches.set(wanted, search);
    return await search;
  }
}
