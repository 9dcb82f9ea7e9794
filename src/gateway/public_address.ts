/**
 * The URL at which a client reaches the gateway. URLs of the store in responses are rewritten to it.
 */
import { BoundedCache } from "../dicomweb/bounded_cache.ts";
import { publicBase } from "../dicomweb/urls/public_base.ts";
import { IpNetworks } from "../config/values/ip_networks.ts";
import type { Logger } from "../telemetry/logger.ts";

/** The gateway's own listener, and the log for clients that do not name its port. */
export interface Listener {
  /** 0 for any free port. */
  readonly port: number;
  readonly logger: Logger;
}

/** Determines the gateway's public URL for a request. */
export class PublicAddress {
  readonly #publicUrl: string | undefined;
  readonly #trusted: IpNetworks | undefined;
  /** By origin. Hosts that clients use are few, but a client can make up any number. */
  readonly #bases = new BoundedCache<string | undefined>({ maxEntries: 100, maxKeyLength: 300 });
  readonly #listener: Listener | undefined;
  #hasWarned = false;

  /**
   * @param publicUrl The configured URL; overrides everything that a request says.
   * @param trustedProxies Addresses and networks of proxies whose forwarding headers count.
   * @param listener Unless given, nothing is logged.
   */
  constructor(
    publicUrl: string | undefined,
    trustedProxies: readonly string[],
    listener?: Listener,
  ) {
    this.#publicUrl = publicUrl;
    this.#listener = listener;
    this.#trusted = trustedProxies.length > 0 ? new IpNetworks(trustedProxies) : undefined;
  }

  /** @returns The URL without a trailing slash; undefined if the request names no valid host. */
  of({ url, headers }: Request, peer: string | undefined): string | undefined {
    if (this.#publicUrl !== undefined) return this.#publicUrl;
    const trusted = peer !== undefined && this.#trusted?.has(peer) === true;
    const base = () => publicBase({ publicUrl: undefined, requestUrl: url, headers, trusted });
    return trusted ? base() : this.#bases.get(originOf(url), () => this.#noted(base()));
  }

  /**
   * Logs the first client that leaves out the port of the listener, as Python's dicomweb-client
   * does: for the client, URLs without a port lead elsewhere.
   */
  #noted(base: string | undefined): string | undefined {
    if (this.#listener === undefined || this.#hasWarned || base === undefined) return base;
    const { port, protocol } = new URL(base);
    const defaultPort = protocol === "https:" ? 443 : 80;
    if (port !== "" || this.#listener.port === defaultPort) return base;
    this.#hasWarned = true;
    this.#listener.logger.warn(
      "A client sends Host without a port; URLs in responses lead to the default port. Set PublicUrl " +
        "to the URL that clients use",
      { public_url: base },
    );
    return base;
  }
}

/** The origin of a request's URL, without the time that parsing it takes. */
export function originOf(url: string): string {
  return url.slice(0, url.indexOf("/", url.indexOf("://") + 3));
}
