/**
 * Derives from a configuration the hosts that the gateway contacts, and for what. The runtime denies
 * all others; the commands `permissions` and `doctor` list them for firewalls.
 */
import type { GatewayConfig } from "../gateway_config.ts";
import { bracketed, hostAndPort } from "../values/host_names.ts";

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
export function contacts(config: GatewayConfig): Contact[] {
  const hasProxy = config.proxy !== undefined;
  const all: Contact[] = [];
  const add = (
    urls: Iterable<string>,
    purpose: ContactPurpose,
    more: Partial<Pick<Contact, "neededBy" | "proxied" | "possible">> = {},
  ) => {
    for (const url of urls) all.push({ ...place(url), ...DIRECT, purpose, ...more });
  };
  for (const { name: neededBy, url, reach } of config.servers.values()) {
    const { urls, localUrls } = reach;
    const possible = new Set(reach.possibleUrls);
    add([url], "store", { neededBy, proxied: hasProxy });
    for (const each of new Set(urls)) {
      add([each], "credentials", { neededBy, proxied: hasProxy, possible: possible.has(each) });
    }
    add(new Set(localUrls), "metadata service", { neededBy });
  }
  for (const { name: neededBy, reach } of config.authentication?.issuers.values() ?? []) {
    const [certain, ...possible] = reach.urls;
    const more = { neededBy, proxied: hasProxy };
    if (certain !== undefined) add([certain], "keys of an issuer", more);
    add(possible, "keys of an issuer", { ...more, possible: true });
  }
  const { tokenCache: cache } = config;
  if (cache.backend === "redis") add([cache.url.reveal()], "token cache");
  if (cache.backend === "kv" && cache.url !== undefined) add([cache.url], "token cache");
  if (config.proxy !== undefined) add([config.proxy.url], "egress proxy");
  return all;
}

const DIRECT = { neededBy: undefined, proxied: false, possible: false } as const;

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
