/**
 * The URL at which a client reaches the gateway: what the store's URLs in answers are turned into.
 *
 * @module
 */
import { publicBase } from "../dicomweb/urls/public_base.ts";
import { IpNetworks } from "../network/ip_networks.ts";

/** Hosts that clients use are few; a client that makes them up shall not fill the memory. */
const MAX_REMEMBERED = 100;

/** Tells the gateway's public URL for a request. */
export class PublicAddress {
  readonly #publicUrl: string | undefined;
  readonly #trusted: IpNetworks;
  readonly #trustsSome: boolean;
  readonly #remembered = new Map<string, string | undefined>();

  /**
   * @param publicUrl The configured URL, where there is one: it settles the matter.
   * @param trustedProxies Addresses and networks of proxies whose forwarding headers count.
   */
  constructor(publicUrl: string | undefined, trustedProxies: readonly string[]) {
    this.#publicUrl = publicUrl;
    this.#trusted = new IpNetworks(trustedProxies);
    this.#trustsSome = trustedProxies.length > 0;
  }

  /**
   * The URL for one request.
   *
   * @returns The URL without a trailing slash; nothing where the request names no proper host.
   */
  of(request: Request, peer: string | undefined): string | undefined {
    if (this.#publicUrl !== undefined) return this.#publicUrl;
    const { url, headers } = request;
    if (this.#trustsSome && peer !== undefined && this.#trusted.has(peer)) {
      return publicBase({ publicUrl: undefined, requestUrl: url, headers, trusted: true });
    }
    const origin = url.slice(0, url.indexOf("/", url.indexOf("://") + 3));
    const known = this.#remembered.get(origin);
    if (known !== undefined || this.#remembered.has(origin)) return known;
    const base = publicBase({ publicUrl: undefined, requestUrl: url, headers, trusted: false });
    if (this.#remembered.size < MAX_REMEMBERED) this.#remembered.set(origin, base);
    return base;
  }
}
