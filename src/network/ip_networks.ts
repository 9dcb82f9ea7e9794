/**
 * Sets of IP addresses and networks.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";

/** Addresses and networks in CIDR notation (RFC 4632, RFC 4291). */
export class IpNetworks {
  readonly #list = new BlockList();

  /** @throws {TypeError} When one is none. */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = "", bits] = network.split("/");
      if (isIP(address) === 0) throw new TypeError(`${network} is no IP address or network`);
      if (bits === undefined) this.#list.addAddress(address, familyOf(address));
      else this.#list.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /**
   * Whether an address is among them.
   *
   * @returns Whether it is; an IPv4 address written as IPv6 (`::ffff:10.1.2.3`) is that IPv4 address.
   */
  has(address: string): boolean {
    return isIP(address) !== 0 && this.#list.check(address, familyOf(address));
  }
}

/**
 * Whether a text is an IP address.
 *
 * @param text The text; an IPv6 address without brackets.
 */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
