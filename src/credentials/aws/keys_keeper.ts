/**
 * Provides access keys for signing: the token manager for keys that are fetched and renewed, or
 * `fixedKeys` for those of the configuration or the environment, which are never stored.
 */
import type { Token } from "../token.ts";
import type { TokenManager } from "../tokens/token_manager.ts";
import { type AccessKeys, AWS_TOKEN_TYPE } from "./access_keys.ts";

/** The part of a token manager that signing needs. */
export interface KeysKeeper
  extends Pick<TokenManager, "current" | "token" | "invalidate" | "renew" | "forget" | "close"> {
  /** The service that provides the keys; `undefined` for fixed ones. */
  readonly endpoint: string | undefined;
}

/** Keys that never change. */
export function fixedKeys(keys: AccessKeys): KeysKeeper {
  const token: Token = {
    value: JSON.stringify(keys),
    type: AWS_TOKEN_TYPE,
    issuedAtMs: 0,
    expiresAtMs: Infinity,
  };
  return {
    endpoint: undefined,
    current: () => token,
    token: () => token,
    invalidate: () => Promise.resolve(false),
    renew: () => Promise.resolve(),
    forget: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
