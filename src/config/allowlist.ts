/**
 * Derives from a configuration the hosts that the gateway may contact. The runtime refuses all others.
 *
 * @module
 */
import { credentialsReach, keyUrls } from "./credentials_reach.ts";
import type { GatewayConfig, TokenCacheConfig } from "./gateway_config.ts";

/** Ports that the URLs of a scheme mean where they name none. */
const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "redis:": 6379,
  "rediss:": 6379,
};

/**
 * Lists the hosts that a configuration has the gateway contact: stores, identity providers, the
 * token cache and the egress proxy. Deno checks the host of a request also where a proxy carries it,
 * so both are listed.
 *
 * @param config The configuration.
 * @returns `host:port`, sorted, each once.
 */
export function networkAllowlist(config: GatewayConfig): string[] {
  const urls = [
    ...[...config.servers.values()].flatMap(({ url, credentials }) => {
      const { urls, localUrls } = credentialsReach(credentials);
      return [url, ...urls, ...localUrls];
    }),
    ...cacheUrls(config.tokenCache),
    ...issuerUrls(config.authentication),
    ...(config.proxy === undefined ? [] : [config.proxy.url]),
  ];
  return [...new Set(urls.map(hostAndPort))].sort();
}

/**
 * The `host:port` that the gateway listens on.
 *
 * @param config The configuration.
 * @returns Host and port; an IPv6 address stands in brackets.
 */
export function listenHostAndPort({ listen }: GatewayConfig): string {
  const host = listen.address.includes(":") ? `[${listen.address}]` : listen.address;
  return `${host}:${listen.port}`;
}

/**
 * The host and port of a URL, the scheme's port where none is written.
 *
 * @param url An `http`, `https`, `redis` or `rediss` URL.
 * @returns `host:port`; an IPv6 address stands in brackets.
 *
 * @example
 * ```ts
 * import { hostAndPort } from "./allowlist.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(hostAndPort("https://store.example/dicom-web"), "store.example:443");
 * assert.equal(hostAndPort("rediss://:secret@[fd00::7]/0"), "[fd00::7]:6379");
 * ```
 */
export function hostAndPort(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname.toLowerCase()}:${port || DEFAULT_PORTS[protocol]}`;
}

/** Where the keys come from that clients' tokens are checked with. */
function issuerUrls(authentication: GatewayConfig["authentication"]): string[] {
  return [...authentication?.issuers.values() ?? []].flatMap(({ validation }) =>
    keyUrls(validation.keys)
  );
}

function cacheUrls(cache: TokenCacheConfig): string[] {
  switch (cache.backend) {
    case "memory":
      return [];
    case "kv":
      return cache.url === undefined ? [] : [cache.url];
    case "redis":
      return [cache.url.reveal()];
  }
}
