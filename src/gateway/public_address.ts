/**
 * The URL at which a client reaches the gateway. URLs of the store in responses are rewritten to it.
 */
import { BoundedCache } from "../dicomweb/bounded_cache.ts";
import { publicBase } from "../dicomweb/urls/public_base.ts";
import { IpNetworks } from "../config/values/ip_networks.ts";

/** Determines the gateway's public URL for a request. */
export class PublicAddress {
  readonly #publicUrl: string | undefined;
  readonly #trusted: IpNetworks | undefined;
  /** By origin. Hosts that clients use are few, but a client can make up any number. */
  readonly #bases = new BoundedCache<string | undefined>({ maxEntries: 100, maxKeyLength: 300 });

  /**
   * @param publicUrl The configured URL; overrides everything that a request says.
   * @param trustedProxies Addresses and networks of proxies whose forwarding headers count.
   */
  constructor(publicUrl: string | undefined, trustedProxies: readonly string[]) {
    this.#publicUrl = publicUrl;
    this.#trusted = trustedProxies.length > 0 ? new IpNetworks(trustedProxies) : undefined;
  }

  /** @returns The URL without a trailing slash; undefined if the request names no valid host. */
  of({ url, headers }: Request, peer: string | undefined): string | undefined {
    if (this.#publicUrl !== undefined) return this.#publicUrl;
    const trusted = peer !== undefined && this.#trusted?.has(peer) === true;
    const base = () => publicBase({ publicUrl: undefined, requestUrl: url, headers, trusted });
    return trusted ? base() : this.#bases.get(originOf(url), base);
  }
}

/** The origin of a request's URL, without the time that parsing it takes. */
export function originOf(url: string): string {
  return url.slice(0, url.indexOf("/", url.indexOf("://") + 3));
}
