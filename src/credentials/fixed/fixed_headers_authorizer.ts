/**
 * Signs every request with the same headers: a token or password that the configuration holds.
 *
 * @module
 */
import { encodeBase64 } from "@oslojs/encoding";
import type { Authorization, Authorizer, CredentialStatus } from "../authorizer.ts";

/**
 * The `Authorization` header of HTTP Basic, in UTF-8 (RFC 7617, section 2.1).
 *
 * @example
 * ```ts
 * import { basicAuthorization } from "./fixed_headers_authorizer.ts";
 * import assert from "node:assert/strict";
 *
 * // RFC 7617, sections 2 and 2.1.
 * assert.equal(basicAuthorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
 * assert.equal(basicAuthorization("test", "123£"), "Basic dGVzdDoxMjPCow==");
 * ```
 */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${encodeBase64(new TextEncoder().encode(`${username}:${password}`))}`;
}

/** Adds the same headers to every request. */
export class FixedHeadersAuthorizer implements Authorizer {
  readonly #kind: string;
  readonly #authorization: Authorization;

  /** @param kind The way of signing, as in the configuration. */
  constructor(kind: string, headers: Readonly<Record<string, string>>) {
    this.#kind = kind;
    this.#authorization = Object.freeze({ headers: Object.freeze({ ...headers }) });
  }

  /** @returns The headers. */
  authorize(): Authorization {
    return this.#authorization;
  }

  /** @returns That asking again gives nothing else. */
  invalidate(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** @returns That a credential is there and never expires by itself. */
  describe(): CredentialStatus {
    return { kind: this.#kind, endpoint: undefined, hasToken: true, expiresAtMs: undefined };
  }

  /** Does nothing: what the configuration holds is all there is. */
  renew(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: what the configuration holds stays until it is changed. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  /** Does nothing: nothing is held. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
