/**
 * What a cache outside this worker has to offer: strings with an end, a lease and a generation. It sees nothing
 * but keys and encrypted values.
 *
 * @module
 */
import type { TokenStore } from "./token.ts";

/** Keeps strings for all who share it. Every method may throw. */
export interface RawTokenStore extends Omit<TokenStore, "get" | "set" | "isShared"> {
  /** @returns The string under this key, or nothing where it is absent. */
  get(key: string): Promise<string | undefined>;
  /**
   * Keeps a string.
   *
   * @param key Its key.
   * @param value The string.
   * @param ttlMs After which it may be dropped.
   */
  set(key: string, value: string, ttlMs: number): Promise<void>;
}
