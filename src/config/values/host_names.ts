/**
 * Tells what is a host at all, and which hosts lie on this machine, where neither a password nor a
 * patient's name can be overheard on the way.
 *
 * @module
 */

const NAME =
  /^(?=.{1,254}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

const PRIVATE_V4 =
  /^(?:10\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)\.\d{1,3}\.\d{1,3}$/;
const PRIVATE_V6 = /^(?:f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]):[0-9a-f:.]*$/i;

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

/**
 * Whether a host is surely near: on this machine, or at an address of a private network (RFC 1918,
 * RFC 4193) or of the link (RFC 3927, RFC 4291).
 *
 * @param host A name or address; an IPv6 address with or without its brackets.
 * @returns Whether it is; a name other than `localhost` could lie anywhere.
 *
 * @example
 * ```ts
 * import { isNearby } from "./host_names.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isNearby("192.168.7.1"), true);
 * assert.equal(isNearby("[fd00::7]"), true);
 * assert.equal(isNearby("172.32.0.1"), false);
 * assert.equal(isNearby("store.example"), false);
 * ```
 */
export function isNearby(host: string): boolean {
  const address = unbracketed(host);
  return isLoopback(host) || PRIVATE_V4.test(address) || PRIVATE_V6.test(address);
}

/** Where a listener on every interface is reached on its own machine. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * Where a listener is reached on its own machine.
 *
 * @param address What it listens on; an IPv6 address without brackets.
 * @returns The same address, or loopback where it listens on every interface.
 */
export function loopbackOf(address: string): string {
  return LOOPBACK[address] ?? address;
}

function unbracketed(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

/** Ports that the URLs of a scheme mean where they name none. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "redis:": 6379,
  "rediss:": 6379,
};

/**
 * The `host:port` of an `http`, `https`, `redis` or `rediss` URL, the scheme's port where none is
 * written; an IPv6 address keeps its brackets.
 *
 * @example
 * ```ts
 * import { hostAndPort } from "./host_names.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(hostAndPort("https://store.example/dicom-web"), "store.example:443");
 * assert.equal(hostAndPort("rediss://:secret@[fd00::7]/0"), "[fd00::7]:6379");
 * ```
 */
export function hostAndPort(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname.toLowerCase()}:${port || DEFAULT_PORTS[protocol]}`;
}
