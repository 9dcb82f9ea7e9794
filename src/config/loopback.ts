/**
 * Tells which hosts lie on this machine, where neither a password nor a patient's name can be
 * overheard on the way.
 *
 * @module
 */

/**
 * Whether a host name or address means this machine.
 *
 * @param host A name or address; an IPv6 address with or without its brackets.
 * @returns Whether it is `localhost` or an address of the loopback interface.
 *
 * @example
 * ```ts
 * import { isLoopback } from "./loopback.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isLoopback("127.0.0.1"), true);
 * assert.equal(isLoopback("[::1]"), true);
 * assert.equal(isLoopback("127.0.0.1.example"), false);
 * ```
 */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" ||
    /^127(\.\d{1,3}){3}$/.test(name);
}
