/**
 * Tokens in this worker's memory. It is not shared, so leases and generations have no effect: the
 * token manager itself sends one request at a time and remembers revocations.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";
import type { Token, TokenStore } from "../token.ts";

export class MemoryTokenStore implements TokenStore {
  readonly isShared = false;
  readonly #clock: Pick<Clock, "now">;
  readonly #tokens = new Map<string, Token>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  get(key: string): Promise<Token | undefined> {
    const token = this.#tokens.get(key);
    if (token === undefined || this.#clock.now() < token.expiresAtMs) return Promise.resolve(token);
    this.#tokens.delete(key);
    return Promise.resolve(undefined);
  }

  set(key: string, token: Token): Promise<void> {
    this.#tokens.set(key, token);
    return Promise.resolve();
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.#tokens.delete(key);
    return Promise.resolve();
  }

  acquireLease(): Promise<boolean> {
    return Promise.resolve(true);
  }

  releaseLease(): Promise<void> {
    return Promise.resolve();
  }

  generation(): Promise<string> {
    return Promise.resolve("");
  }

  setGeneration(): Promise<void> {
    return Promise.resolve();
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#tokens.clear();
    return Promise.resolve();
  }
}
