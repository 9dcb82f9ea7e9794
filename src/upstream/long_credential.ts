/**
 * Recognizes a store, or a proxy in front of it, that rejects a request because its credential is too long:
 * tokens of users with many groups exceed the usual limits for request headers.
 */

/** 400: nginx, HAProxy, IIS; 431: RFC 6585, section 5, Node.js; 494: nginx behind some load balancers. */
const STATUSES: ReadonlySet<number> = new Set([400, 431, 494]);

/** Lowest limit of common servers: uWSGI 4 KiB; nginx, Apache and Tomcat 8 KiB; HAProxy, IIS, Node.js 16 KiB. */
const LOWEST_LIMIT = 4000;

/** Remedies for the operator of the store. */
export const LONG_CREDENTIAL_ADVICE: readonly string[] = [
  "Raise the limit for request headers of the store and of each proxy in front of it: " +
  "large_client_header_buffers of nginx (8k a line by default), tune.bufsize of HAProxy, " +
  "maxHttpRequestHeaderSize of Tomcat, --max-http-header-size of Node.js.",
  "Or let the identity provider issue shorter tokens: without groups and roles that the store does not need.",
];

/** Whether the length of the credential may be the reason for a status; it usually is for 431 and 494. */
export function mayBeTooLong(status: number, characters: number): boolean {
  return STATUSES.has(status) && characters >= (status === 400 ? LOWEST_LIMIT : 1);
}
