/**
 * Provides access keys for signing: the token manager for keys that are fetched and renewed, or a
 * keeper of its own for those of the configuration.
 *
 * @module
 */
import type { Token } from "../token.ts";
import type { TokenManager } from "../tokens/token_manager.ts";
import { type AccessKeys, AWS_TOKEN_TYPE } from "./access_keys.ts";

/** The part of a token manager that signing needs; `endpoint` only if keys are fetched. */
export interface KeysKeeper
  extends Pick<TokenManager, "current" | "token" | "invalidate" | "renew" | "forget" | "close"> {
  readonly endpoint: string | undefined;
}

/** Keeps the keys of the configuration or the environment; they are never stored. */
export class FixedKeys implements KeysKeeper {
  readonly endpoint = undefined;
  readonly #token: Token;

  constructor(keys: AccessKeys) {
    this.#token = {
      value: JSON.stringify(keys),
      type: AWS_TOKEN_TYPE,
      issuedAtMs: 0,
      expiresAtMs: Infinity,
    };
  }

  current(): Token {
    return this.#token;
  }

  token(): Token {
    return this.#token;
  }

  invalidate(): Promise<boolean> {
    return Promise.resolve(false);
  }

  renew(): Promise<void> {
    return Promise.resolve();
  }

  forget(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
