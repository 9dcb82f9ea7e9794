/**
 * A token as the token manager and the stores see it, whatever way it was got.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** A credential with an end. */
export interface Token {
  /** What goes into the request: an access token, or a set of AWS keys as JSON. */
  readonly value: string;
  /** `Bearer` or `DPoP` (RFC 6749, section 7.1), or `AWS`. */
  readonly type: string;
  /** When it was got, in milliseconds since the epoch by the gateway's clock. */
  readonly issuedAtMs: number;
  /** When it expires, in milliseconds since the epoch by the gateway's clock. */
  readonly expiresAtMs: number;
}

/** Where tokens come from: one kind of token request. */
export interface TokenSource {
  /** The token endpoint or metadata service, for messages and the status. */
  readonly endpoint: string;
  /** A digest of everything that makes this source's tokens what they are: other credentials, other digest. */
  readonly fingerprint: string;
  /**
   * Asks for a new token, once.
   *
   * @throws {GatewayError} TOK-001, TOK-005, AUTH-001, AUTH-002, AUTH-003 or NET-….
   */
  acquire(signal: AbortSignal): Promise<Token>;
  /**
   * Tells whether a token that was found in the store will do. Every one does unless this is given.
   *
   * @param stored The token, found to be alive.
   * @returns Whether it may be used.
   */
  accepts?(stored: Token, signal: AbortSignal): Promise<boolean>;
}

/** Where tokens are kept. Every method may throw: the token manager then goes on without the store. */
export interface TokenStore {
  /**
   * Prepares the first operation: loads the client library and connects. It keeps a limit of its own,
   * and never fails: the operations report why the store cannot be used.
   */
  open(): Promise<void>;
  /** @returns The token under this key, or nothing where it is absent, expired or cannot be read. */
  get(key: string): Promise<Token | undefined>;
  /** Keeps a token until it expires. */
  set(key: string, token: Token): Promise<void>;
  /** Drops the token under this key. */
  delete(key: string): Promise<void>;
  /**
   * Takes the lease of a key, so that one of all who share the store asks the identity provider.
   *
   * @param holder Who asks: a value no one else uses.
   * @param ttlMs After which the lease ends by itself.
   * @returns Whether the lease is now the holder's.
   */
  acquireLease(key: string, holder: string, ttlMs: number): Promise<boolean>;
  /** Gives the lease back, if it is still the holder's. */
  releaseLease(key: string, holder: string): Promise<void>;
  /** Whether others read and write it as well. */
  readonly isShared: boolean;
  /**
   * The generation of the tokens under a key, which every revocation changes.
   *
   * @returns The generation, `""` before the first; nothing where the store cannot tell.
   */
  generation(key: string): Promise<string | undefined>;
  /**
   * Begins another generation of the tokens under a key.
   *
   * @param generation An identifier no one else uses.
   * @param ttlMs After which it may be dropped.
   */
  setGeneration(key: string, generation: string, ttlMs: number): Promise<void>;
  /** @throws When the store cannot be reached. */
  ping(): Promise<void>;
  /** Frees what is held. */
  close(): Promise<void>;
}

/**
 * A cache outside this worker: strings that expire, a lease and a generation. It sees only keys and
 * encrypted values. Every method may throw.
 */
export interface StringStore extends Omit<TokenStore, "get" | "set" | "isShared"> {
  /** @returns The string under this key, or nothing where it is absent. */
  get(key: string): Promise<string | undefined>;
  /**
   * Keeps a string.
   *
   * @param ttlMs After which it may be dropped.
   */
  set(key: string, value: string, ttlMs: number): Promise<void>;
}

/**
 * Digests everything that makes a token what it is.
 *
 * @param parts Secrets among them; the order counts.
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
