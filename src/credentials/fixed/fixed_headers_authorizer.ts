/**
 * Signs every request with the same headers: a token or password of the configuration, or none.
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

/** Adds the same headers to every request; they never expire and cannot be renewed. */
export class FixedHeadersAuthorizer implements Authorizer {
  readonly #kind: string;
  readonly #authorization: Authorization;

  /**
   * @param kind The credential scheme, as in the configuration.
   * @param headers Empty for a store without authentication.
   */
  constructor(kind: string, headers: Readonly<Record<string, string>>) {
    this.#kind = kind;
    this.#authorization = Object.freeze({ headers: Object.freeze({ ...headers }) });
  }

  authorize(): Authorization {
    return this.#authorization;
  }

  invalidate(): Promise<boolean> {
    return Promise.resolve(false);
  }

  describe(): CredentialStatus {
    const hasToken = Object.keys(this.#authorization.headers).length > 0;
    return { kind: this.#kind, endpoint: undefined, hasToken, expiresAtMs: undefined };
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
