/**
 * The URL at which a client reaches the gateway: what the store's URLs in answers are turned into.
 *
 * @module
 */
import { BlockList, isIP } from "node:net";
import { publicBase } from "../dicomweb/public_base.ts";

/** Hosts that clients use are few; a client that makes them up shall not fill the memory. */
const MAX_REMEMBERED = 100;

/** Tells the gateway's public URL for a request. */
export class PublicAddress {
  readonly #publicUrl: string | undefined;
  readonly #trusted: BlockList | undefined;
  readonly #remembered = new Map<string, string | undefined>();

  /**
   * @param publicUrl The configured URL, where there is one: it settles the matter.
   * @param trustedProxies Addresses and networks of proxies whose forwarding headers count.
   */
  constructor(publicUrl: string | undefined, trustedProxies: readonly string[]) {
    this.#publicUrl = publicUrl;
    this.#trusted = trustedProxies.length > 0 ? blockList(trustedProxies) : undefined;
  }

  /**
   * The URL for one request.
   *
   * @param request The request.
   * @param peer Address of whoever sent it.
   * @returns The URL without a trailing slash; nothing where the request names no proper host.
   */
  of(request: Request, peer: string | undefined): string | undefined {
    if (this.#publicUrl !== undefined) return this.#publicUrl;
    const { url, headers } = request;
    if (this.#trusted !== undefined && peer !== undefined && this.isTrusted(peer)) {
      return publicBase({ publicUrl: undefined, requestUrl: url, headers, trusted: true });
    }
    const origin = url.slice(0, url.indexOf("/", url.indexOf("://") + 3));
    const known = this.#remembered.get(origin);
    if (known !== undefined || this.#remembered.has(origin)) return known;
    const base = publicBase({ publicUrl: undefined, requestUrl: url, headers, trusted: false });
    if (this.#remembered.size < MAX_REMEMBERED) this.#remembered.set(origin, base);
    return base;
  }

  /**
   * Whether a peer's forwarding headers count.
   *
   * @param peer Its address.
   * @returns Whether it is a trusted proxy.
   */
  isTrusted(peer: string): boolean {
    return this.#trusted?.check(peer, isIP(peer) === 6 ? "ipv6" : "ipv4") ?? false;
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
