/**
 * Whom the gateway contacts, and what for: the network allowlist with its reasons, as firewalls,
 * the command `permissions` and the command `doctor` want it.
 *
 * @module
 */
import type { GatewayConfig } from "../gateway_config.ts";
import { hostAndPort } from "../values/host_names.ts";

/** What a place is contacted for. */
export type ContactPurpose =
  | "store"
  | "credentials"
  | "metadata service"
  | "keys of an issuer"
  | "token cache"
  | "egress proxy";

/** A place that the gateway contacts. */
export interface Contact {
  /** `host:port`, as on the allowlist. */
  readonly address: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly purpose: ContactPurpose;
  /** The server or issuer of the configuration that needs it; nothing where all do. */
  readonly neededBy: string | undefined;
  /** Whether connections go through the egress proxy. */
  readonly proxied: boolean;
  /** Whether it is only contacted if a discovery document says so. */
  readonly possible: boolean;
}

/**
 * Lists whom a configuration has the gateway contact. A place that is needed for two things stands
 * there twice.
 *
 * @returns The contacts, in the order of the configuration.
 */
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

/** Keeps of a URL what is no secret: that of a cache may hold a password. */
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
