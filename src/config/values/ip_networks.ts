/**
 * Sets of IP addresses and networks.
 */
// deno-lint-ignore rooms/privilege -- it compares addresses, and connects to none
import { BlockList, isIP } from "node:net";

/** Addresses and networks in CIDR notation (RFC 4632, RFC 4291). */
export class IpNetworks {
  readonly #list = new BlockList();

  /** @throws {TypeError} For a text that is neither. */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = "", bits] = network.split("/");
      if (!isIpAddress(address)) throw new TypeError(`${network} is no IP address or network`);
      if (bits === undefined) this.#list.addAddress(address, familyOf(address));
      else this.#list.addSubnet(address, Number(bits), familyOf(address));
    }
  }

  /** Whether it contains an address; an IPv4 address written as IPv6 (`::ffff:10.1.2.3`) counts as IPv4. */
  has(address: string): boolean {
    return isIpAddress(address) && this.#list.check(address, familyOf(address));
  }
}

/** Whether a text is an IP address; an IPv6 address without brackets. */
export function isIpAddress(text: string): boolean {
  return isIP(text) !== 0;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
