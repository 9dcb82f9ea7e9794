/**
 * Tokens, and the interface of token sources.
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
  /** The granted scope, if the token response states it (RFC 6749, section 5.1). */
  readonly scope?: string;
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

/**
 * Digests everything that a token depends on, secrets included.
 *
 * @returns The first 128 bits of a SHA-256 digest, in hexadecimal.
 */
export function fingerprint(parts: readonly (string | readonly string[])[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
