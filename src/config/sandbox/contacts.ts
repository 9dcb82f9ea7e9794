/**
 * Derives from a configuration the hosts that the gateway contacts, and for what. The runtime denies
 * all others; the commands `permissions` and `doctor` list them for firewalls.
 */
import type { GatewayConfig } from "../gateway_config.ts";
import type { ProxyConfig } from "../keys/proxy.ts";
import { bracketed, hostAndPort, isLoopback, unbracketed } from "../values/host_names.ts";
import { IpNetworks, isIpAddress } from "../values/ip_networks.ts";

type ContactPurpose =
  | "store"
  | "credentials"
  | "metadata service"
  | "keys of an issuer"
  | "token cache"
  | "egress proxy";

/** A host that the gateway contacts for one purpose. */
export interface Contact {
  /** `host:port`, as on the allowlist. */
  readonly address: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly purpose: ContactPurpose;
  /** The server or issuer of the configuration that needs it; `undefined`: all do. */
  readonly neededBy: string | undefined;
  /** Whether connections go through the egress proxy. */
  readonly proxied: boolean;
  /** Whether it is contacted only if a discovery document names it. */
  readonly possible: boolean;
}

/** The `host:port` of every contact, sorted, without duplicates. */
export function networkAllowlist(config: GatewayConfig): string[] {
  return [...new Set(contacts(config).map(({ address }) => address))].sort();
}

/** The `host:port` that the gateway listens on; an IPv6 address is in brackets. */
export function listenHostAndPort({ listen }: GatewayConfig): string {
  return `${bracketed(listen.address)}:${listen.port}`;
}

/** The contacts in the order of the configuration, one for each purpose. */
export function contacts({ authentication, proxy, servers, tokenCache }: GatewayConfig): Contact[] {
  const all: Contact[] = [];
  const add = (
    urls: Iterable<string>,
    purpose: ContactPurpose,
    { mayProxy = false, neededBy, possible = false }: ContactOptions = {},
  ) => {
    for (const url of urls) {
      const at = place(url);
      const proxied = mayProxy && isProxied(proxy, at.host);
      all.push({ ...at, purpose, neededBy, proxied, possible });
    }
  };
  for (const { name: neededBy, mayProxy, url, reach } of servers.values()) {
    const possible = new Set(reach.possibleUrls);
    add([url], "store", { neededBy, mayProxy });
    for (const each of new Set(reach.urls)) {
      add([each], "credentials", { neededBy, mayProxy, possible: possible.has(each) });
    }
    add(new Set(reach.localUrls), "metadata service", { neededBy });
  }
  for (const { name: neededBy, mayProxy, reach } of authentication?.issuers.values() ?? []) {
    const [certain, ...possible] = reach.urls;
    if (certain !== undefined) add([certain], "keys of an issuer", { neededBy, mayProxy });
    add(possible, "keys of an issuer", { neededBy, mayProxy, possible: true });
  }
  if (tokenCache.backend === "redis") {
    const { location } = tokenCache;
    const sentinels = location.mode === "sentinel" ? location.sentinels : [];
    add([...location.urls, ...sentinels].map((url) => url.reveal()), "token cache");
  }
  if (tokenCache.backend === "kv" && tokenCache.url !== undefined) {
    add([tokenCache.url], "token cache");
  }
  if (proxy !== undefined) add([proxy.url], "egress proxy");
  return all;
}

/**
 * The `host:port` of the contacts that one server or issuer needs and that are not reached through the
 * proxy.
 */
export function directContacts(
  config: GatewayConfig,
  neededBy: string,
  kind: "server" | "issuer",
): ReadonlySet<string> {
  const isOwn = (each: Contact) =>
    each.neededBy === neededBy && (each.purpose === "keys of an issuer") === (kind === "issuer");
  return new Set(
    contacts(config).filter((each) => isOwn(each) && !each.proxied).map(({ address }) => address),
  );
}

interface ContactOptions {
  readonly neededBy?: string;
  /** Whether the proxy is used, unless the host is an exception. */
  readonly mayProxy?: boolean;
  readonly possible?: boolean;
}

/** The parts of a URL without secrets: that of a cache may contain a password. */
function place(url: string): Pick<Contact, "address" | "host" | "port" | "tls"> {
  const address = hostAndPort(url);
  const colon = address.lastIndexOf(":");
  return {
    address,
    host: address.slice(0, colon).replace(/^\[|\]$/g, ""),
    port: Number(address.slice(colon + 1)),
    tls: /^(https|rediss):/i.test(url),
  };
}

/** Addresses of this machine, IPv4 ones in IPv6 notation included. */
const OWN_ADDRESSES = new IpNetworks(["127.0.0.0/8", "::1", "0.0.0.0", "::"]);

/**
 * Whether connections to a host go through the proxy. Loopback never: what is sent there without TLS
 * would pass the proxy in clear, and the proxy's own machine would answer.
 *
 * @param host A name or address; an IPv6 address with or without its brackets.
 */
function isProxied(proxy: ProxyConfig | undefined, host: string): boolean {
  if (proxy === undefined) return false;
  const name = unbracketed(host).toLowerCase().replace(/\.$/, "");
  // RFC 6761, section 6.3.
  if (isLoopback(name) || name.endsWith(".localhost") || OWN_ADDRESSES.has(name)) return false;
  return !proxy.except.some((each) => {
    if (each.includes("/") || isIpAddress(each)) return new IpNetworks([each]).has(name);
    return each.startsWith(".") ? `.${name}`.endsWith(each) : name === each;
  });
}
