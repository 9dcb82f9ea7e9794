/**
 * Tokens, and the interfaces of token sources and token stores.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** A credential that expires. */
export interface Token {
  /** An access token, or a set of AWS keys as JSON. */
  readonly value: string;
  /** `Bearer` or `DPoP` (RFC 6749, section 7.1), or `AWS`. */
  readonly type: string;
  /** In milliseconds since the epoch, by the gateway's clock. */
  readonly issuedAtMs: number;
  /** In milliseconds since the epoch, by the gateway's clock. */
  readonly expiresAtMs: number;
}

/** One kind of token request. */
export interface TokenSource {
  /** The token endpoint or metadata service, for messages and status. */
  readonly endpoint: string;
  /** Digest of the credentials and everything else that the tokens depend on. */
  readonly fingerprint: string;
  /**
   * Requests a token, once.
   *
   * @throws {GatewayError} TOK-001, TOK-005, AUTH-001, AUTH-002, AUTH-003 or NET-….
   */
  acquire(signal: AbortSignal): Promise<Token>;
  /** Whether an unexpired token from the store may be used; all may if absent. */
  accepts?(stored: Token, signal: AbortSignal): Promise<boolean>;
}

/** A token cache. Every method but `open` may throw: the token manager continues without the cache. */
export interface TokenStore {
  /** Whether other workers or replicas use it too. */
  readonly isShared: boolean;
  /**
   * Prepares the first operation: loads the client library and connects, within its own time limit.
   * Never fails: the operations report why the store is unavailable.
   */
  open(): Promise<void>;
  /** @returns The token; undefined if it is absent, expired or unreadable. */
  get(key: string): Promise<Token | undefined>;
  set(key: string, token: Token): Promise<void>;
  delete(key: string): Promise<void>;
  /**
   * Acquires or extends the lease of a key: only its holder requests a token.
   *
   * @param holder A unique identifier.
   * @returns Whether the holder has the lease.
   */
  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean>;
  /** Releases the lease if the holder still has it. */
  releaseLease(key: string, holder: string): Promise<void>;
  /** @returns The generation, which every revocation changes; `""` before the first; undefined if unknown. */
  generation(key: string): Promise<string | undefined>;
  /** @param generation A unique identifier. */
  setGeneration(key: string, generation: string, ttlMs: number): Promise<void>;
  /** @throws If the store is unreachable. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** A cache outside this worker. It sees only keys and encrypted values. */
export interface StringStore extends Omit<TokenStore, "get" | "set" | "isShared"> {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
}

/**
 * Digests everything that a token depends on, secrets included.
 *
 * @returns The first 128 bits of a SHA-256 digest, in hexadecimal.
 *
 * @example
 * ```ts
 * import { fingerprint } from "./token.ts";
 * import assert from "node:assert/strict";
 *
 * assert.match(fingerprint(["id", "secret"]), /^[0-9a-f]{32}$/);
 * // JSON keeps the parts apart.
 * assert.notEqual(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
 * ```
 */
export function fingerprint(parts: readonly (string | readonly string[])[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
