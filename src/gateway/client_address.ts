/**
 * Determines the address of the client. Anyone can send `X-Forwarded-For`, so it counts only as far as
 * trusted proxies wrote it: from the end, up to the first address that is not one of theirs.
 */
import { forwardedParameters } from "../dicomweb/urls/forwarded.ts";
import { IpNetworks, isIpAddress } from "../config/values/ip_networks.ts";

/** Proxies in a row that are followed. */
const MAX_PROXIES = 16;

/** Determines the addresses of clients. */
export class ClientAddress {
  readonly #trusted: IpNetworks | undefined;

  /** @param trustedProxies Addresses and networks of proxies whose forwarding headers count. */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = trustedProxies.length > 0 ? new IpNetworks(trustedProxies) : undefined;
  }

  /** @returns The address; `unknown` if the runtime does not report one. */
  of(headers: Headers, peer: string | undefined): string {
    if (peer === undefined) return "unknown";
    if (!this.#trusted?.has(peer)) return peer;
    const plain = headers.get("x-forwarded-for");
    const standard = headers.get("forwarded");
    if (plain === null && standard === null) return peer;
    const byPlain = plain === null ? undefined : this.#beyond(peer, plain, (item) => item);
    const byStandard = standard === null ? undefined : this.#beyond(peer, standard, forParameter);
    if (byPlain === undefined) return byStandard ?? peer;
    if (byStandard === undefined || byStandard === byPlain) return byPlain;
    // A proxy writes one of the two headers and passes the other on as the client forged it.
    return peer;
  }

  /** The last address in a list that is not a trusted proxy's. */
  #beyond(peer: string, list: string, addressIn: (item: string) => string): string {
    let address = peer;
    let end = list.length;
    for (let proxies = 0; proxies < MAX_PROXIES && end >= 0; proxies++) {
      const start = list.lastIndexOf(",", end - 1);
      const found = withoutPort(addressIn(list.slice(start + 1, end)).trim());
      if (!isIpAddress(found)) return address;
      address = found;
      if (!this.#trusted?.has(found) || start < 0) return address;
      end = start;
    }
    return address;
  }
}

/**
 * The network that counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address, as
 * an IPv6 host has a whole /64 to itself (RFC 6177).
 *
 * @example
 * ```ts
 * import { clientNetwork } from "./client_address.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(clientNetwork("10.1.2.3"), "10.1.2.3");
 * assert.equal(clientNetwork("::ffff:10.1.2.3"), "10.1.2.3");
 * assert.equal(clientNetwork("2001:db8::5"), clientNetwork("2001:db8:0:0:1::6"));
 * ```
 */
export function clientNetwork(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const plain = URL.parse(`http://[${address.split("%", 1)[0]}]/`)?.hostname.slice(1, -1);
  if (plain === undefined) return address;
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - groups.length - last.length;
  return [...groups, ...Array<string>(zeros).fill("0"), ...last].slice(0, 4).join(":");
}

/** RFC 7239, section 4: `for="[2001:db8::1]:4711";proto=https`. */
function forParameter(element: string): string {
  return forwardedParameters(element).get("for") ?? "";
}

/** `10.1.2.3:4711`, `[2001:db8::1]:4711` (some load balancers write the port). */
function withoutPort(address: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(address)?.[1] ??
    /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(address)?.[1] ?? address;
}
