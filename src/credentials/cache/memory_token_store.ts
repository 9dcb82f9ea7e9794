/**
 * Tokens in the memory of this worker. It is shared with no one, so its lease is always free: that
 * one request is in flight at a time is the token manager's own doing.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";
import type { Token, TokenStore } from "../token.ts";

/** Keeps tokens in a map. */
export class MemoryTokenStore implements TokenStore {
  readonly isShared = false;
  readonly #clock: Pick<Clock, "now">;
  readonly #tokens = new Map<string, Token>();

  /** @param clock Decides what has expired. */
  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** @returns The token under this key, or nothing where it is absent or expired. */
  get(key: string): Promise<Token | undefined> {
    const token = this.#tokens.get(key);
    if (token === undefined || this.#clock.now() < token.expiresAtMs) return Promise.resolve(token);
    this.#tokens.delete(key);
    return Promise.resolve(undefined);
  }

  /** Keeps a token until it expires. */
  set(key: string, token: Token): Promise<void> {
    this.#tokens.set(key, token);
    return Promise.resolve();
  }

  /** Memory is always open. */
  open(): Promise<void> {
    return Promise.resolve();
  }

  /** Drops the token under this key. */
  delete(key: string): Promise<void> {
    this.#tokens.delete(key);
    return Promise.resolve();
  }

  /** @returns Always that the lease is the holder's. */
  acquireLease(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Does nothing: there is no one to give the lease to. */
  releaseLease(): Promise<void> {
    return Promise.resolve();
  }

  /** @returns Always the first: who revokes tokens remembers it, and shares this store with no one. */
  generation(): Promise<string> {
    return Promise.resolve("");
  }

  /** Does nothing: there is no one to tell. */
  setGeneration(): Promise<void> {
    return Promise.resolve();
  }

  /** Memory is always there. */
  ping(): Promise<void> {
    return Promise.resolve();
  }

  /** Drops all tokens. */
  close(): Promise<void> {
    this.#tokens.clear();
    return Promise.resolve();
  }
}
