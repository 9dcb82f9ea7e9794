/**
 * Signs every request with the same headers: a token or password of the configuration, or none.
 */
import { encodeBase64 } from "@oslojs/encoding";
import type { Authorizer } from "../authorizer.ts";

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

/**
 * Creates an authorizer that adds the same headers to every request. They never expire and cannot be
 * renewed.
 *
 * @param kind The credential scheme, as in the configuration.
 * @param headers Empty for a store without authentication.
 */
export function fixedHeadersAuthorizer(
  kind: string,
  headers: Readonly<Record<string, string>>,
): Authorizer {
  const authorization = Object.freeze({ headers: Object.freeze({ ...headers }) });
  const hasToken = Object.keys(headers).length > 0;
  return {
    authorize: () => authorization,
    invalidate: () => Promise.resolve(false),
    describe: () => ({ kind, endpoint: undefined, hasToken, expiresAtMs: undefined }),
    renew: () => Promise.resolve(),
    forget: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
