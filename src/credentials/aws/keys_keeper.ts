/**
 * What keeps access keys at hand for signing: the token manager for keys that are got and renewed, or
 * this file's own keeper for keys that just are there.
 *
 * @module
 */
import type { Token } from "../token.ts";
import { type AccessKeys, AWS_TOKEN_TYPE } from "./access_keys.ts";

/** Keeps access keys at hand; a `TokenManager` is one. */
export interface KeysKeeper {
  /** The service asked for keys, where there is one. */
  readonly endpoint: string | undefined;
  /** @returns The keys at hand, if they may be used now. */
  current(): Token | undefined;
  /** @returns The keys for a request. */
  token(signal: AbortSignal): Token | Promise<Token>;
  /** @returns Whether asking again may give others. */
  invalidate(token: Token): Promise<boolean>;
  /** Gets new keys now. */
  renew(signal: AbortSignal): Promise<void>;
  /** Drops them, for everyone who shares the cache. */
  forget(revocation: string): Promise<void>;
  /** Ends background work. */
  close(): Promise<void>;
}

/** Keeps the keys that the configuration or the environment holds; nothing of them is stored. */
export class FixedKeys implements KeysKeeper {
  readonly endpoint = undefined;
  readonly #token: Token;

  /** @param keys The keys. */
  constructor(keys: AccessKeys) {
    this.#token = {
      value: JSON.stringify(keys),
      type: AWS_TOKEN_TYPE,
      issuedAtMs: 0,
      expiresAtMs: Infinity,
    };
  }

  /** @returns The keys. */
  current(): Token {
    return this.#token;
  }

  /** @returns The keys. */
  token(): Token {
    return this.#token;
  }

  /** @returns That there are no others. */
  invalidate(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** Does nothing: there is nothing to renew. */
  renew(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: what the configuration holds is no cache. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: nothing runs. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
