/**
 * Tells what is a host at all, and which hosts lie on this machine, where neither a password nor a
 * patient's name can be overheard on the way.
 *
 * @module
 */

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
const NAME = new RegExp(`^(?=.{1,254}$)${LABEL}(?:\\.${LABEL})*\\.?$`, "i");

/**
 * Whether a text is the name or address of one host. URLs allow more, such as `*`, which the
 * runtime would take for every host.
 *
 * @param host A name or address; an IPv6 address with or without its brackets.
 * @returns Whether it can be one host.
 *
 * @example
 * ```ts
 * import { isHost } from "./host_names.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isHost("store_1.example"), true);
 * assert.equal(isHost("fd00::7"), true);
 * assert.equal(isHost("*.example"), false);
 * ```
 */
export function isHost(host: string): boolean {
  const address = unbracketed(host);
  return address.includes(":")
    ? /^[0-9a-f:.]+$/i.test(address) && URL.canParse(`http://[${address}]/`)
    : NAME.test(host);
}

/**
 * Whether a host name or address means this machine.
 *
 * @param host A name or address; an IPv6 address with or without its brackets.
 * @returns Whether it is `localhost` or an address of the loopback interface.
 *
 * @example
 * ```ts
 * import { isLoopback } from "./host_names.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isLoopback("127.0.0.1"), true);
 * assert.equal(isLoopback("[::1]"), true);
 * assert.equal(isLoopback("127.0.0.1.example"), false);
 * ```
 */
export function isLoopback(host: string): boolean {
  const name = unbracketed(host).toLowerCase();
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}

function unbracketed(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
