/**
 * The keys by which the token endpoint is learnt from the provider instead of being written down.
 * The hosts it may turn out to be at are known before anything is asked: they are the allowlist's.
 *
 * @module
 */
import { z } from "zod";
import { hostAndPort } from "../allowlist.ts";
import type { DiscoveryConfig } from "../discovery_config.ts";
import { isHost, isLoopback } from "../host_names.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { httpUrl } from "../value_schemas.ts";

/** `AllowedHosts`: also where only the provider knows the host of its token endpoint. */
export const allowedHosts = z.array(
  z.string().refine(isHostAndPort, "must be a host name such as login.example, or host:port"),
).default([]).describe(
  "Further hosts that the discovered token endpoint may be at, as `host` or `host:port`; the host " +
    "of the issuer always may",
);

/** Keys of discovery from an issuer. */
export const discoveryKeys = {
  Issuer: httpUrl().optional().describe(
    "The provider's issuer, in place of `TokenEndpoint`: the endpoint is taken from its OpenID " +
      "Connect or OAuth2 metadata. Written exactly as there, a slash at the end included",
  ),
  AllowedHosts: allowedHosts,
};

/**
 * Checks what the keys of discovery mean together.
 *
 * @param raw The server's object as written.
 * @param source The key that names where to look: `Issuer` or `SmartBaseUrl`.
 * @param context Where it stands.
 */
export function checkDiscovery(
  raw: RawKeys,
  source: "Issuer" | "SmartBaseUrl",
  { path, report }: ReadContext,
): void {
  const { TokenEndpoint: endpoint, AllowedHosts: hosts } = raw;
  const url = raw[source];
  if (url !== undefined && endpoint !== undefined) {
    report.add("CFG-002", [...path, source], "stands beside TokenEndpoint; remove one of the two");
  }
  if (url === undefined && hosts !== undefined) {
    report.add("CFG-002", [...path, "AllowedHosts"], `means nothing without ${source}; remove it`);
  }
  for (const key of ["TokenEndpoint", source]) {
    const value = raw[key];
    if (typeof value !== "string" || !URL.canParse(value)) continue;
    const { protocol, hostname } = new URL(value);
    if (protocol === "http:" && !isLoopback(hostname)) {
      report.warn(
        [...path, key],
        "the client's credential and the token travel unencrypted; use https:// if possible",
      );
    }
  }
}

/**
 * Makes the configuration of discovery.
 *
 * @param kind What kind of document it is.
 * @param url The issuer or base URL.
 * @param hosts What `AllowedHosts` says.
 * @returns Where the token endpoint is learnt from.
 */
export function buildDiscovery(
  kind: DiscoveryConfig["kind"],
  url: string,
  hosts: readonly string[],
): DiscoveryConfig {
  const { protocol } = new URL(url);
  const allowed = hosts.map((host) => hostAndPort(`${protocol}//${host}`));
  return { kind, url, allowedHosts: [...new Set([hostAndPort(url), ...allowed])] };
}

function isHostAndPort(value: string): boolean {
  const url = URL.parse(`https://${value}`);
  return url !== null && isHost(url.hostname) &&
    [url.host, `${url.host}:443`].includes(value.toLowerCase());
}
