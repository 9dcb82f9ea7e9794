/**
 * The keys for discovery of the token endpoint from the provider. The hosts that it may be at are
 * configured, for the allowlist.
 */
import { z } from "zod";
import { hostAndPort, isHost, isPlaintext } from "../../values/host_names.ts";
import type { Rule } from "../../values/keys_of.ts";
import { httpUrl } from "../../values/value_schemas.ts";
import type { Reach, Warning } from "../scheme.ts";

/** A document of the provider with its token endpoint. */
export interface DiscoveryConfig {
  /**
   * `issuer`: OpenID Connect Discovery 1.0 or RFC 8414. `smart`: SMART App Launch, from the base
   * URL of a FHIR server.
   */
  readonly kind: "issuer" | "smart";
  /** The issuer, exactly as in the document; or the base URL. */
  readonly url: string;
  /** `host:port` pairs that the token endpoint may be at, including that of `url`. */
  readonly allowedHosts: readonly string[];
}

export const allowedHosts = z.array(
  z.string().refine(isHostAndPort, "must be a host name such as login.example, or host:port"),
).describe(
  "Further hosts that the discovered token endpoint may be at, as `host` or `host:port`; the host " +
    "of the issuer always may",
);

/** Whether a URL is not that of the metadata, which consoles of providers show more often than the issuer. */
export function isNoMetadataUrl(url: string): boolean {
  return !url.includes("/.well-known/");
}

export const NO_METADATA_URL =
  "must not contain /.well-known/: the gateway appends the path of the metadata";

/** Keys of discovery from an issuer. */
export const discoveryKeys = {
  Issuer: httpUrl().refine(isNoMetadataUrl, NO_METADATA_URL).optional().describe(
    "The provider's issuer, in place of `TokenEndpoint`: the endpoint is taken from its OpenID " +
      "Connect or OAuth2 metadata. Written exactly as there, a slash at the end included",
  ),
  AllowedHosts: allowedHosts.optional(),
};

/** The keys of an endpoint, configured or discovered. */
interface EndpointKeys {
  readonly TokenEndpoint?: string | undefined;
  readonly AllowedHosts?: readonly string[] | undefined;
  readonly Issuer?: string | undefined;
  readonly SmartBaseUrl?: string | undefined;
}

/** An endpoint is configured or discovered, not both. */
export function discoveryRule(source: "Issuer" | "SmartBaseUrl"): Rule<EndpointKeys> {
  return (keys, complain) => {
    if (keys[source] !== undefined && keys.TokenEndpoint !== undefined) {
      complain(source, "conflicts with TokenEndpoint; remove one of the two");
    }
    if (keys[source] === undefined && keys.AllowedHosts !== undefined) {
      complain("AllowedHosts", `has no effect without ${source}; remove it`);
    }
  };
}

export function endpointWarnings(keys: EndpointKeys): Warning[] {
  const message =
    "the client's credential and the token travel unencrypted; use https:// if possible";
  return (["TokenEndpoint", "Issuer", "SmartBaseUrl"] as const)
    .filter((key) => isPlaintext(keys[key])).map((key) => ({ key, message }));
}

export function discoveryOf(
  kind: DiscoveryConfig["kind"],
  url: string,
  hosts: readonly string[] = [],
): DiscoveryConfig {
  const { protocol } = new URL(url);
  const allowed = hosts.map((host) => hostAndPort(`${protocol}//${host}`));
  return { kind, url, allowedHosts: [...new Set([hostAndPort(url), ...allowed])] };
}

/** The URLs of an endpoint; of one to be discovered, all that it may have. */
export function endpointUrls(
  endpoint: string | DiscoveryConfig,
): Pick<Reach, "urls" | "possibleUrls"> {
  if (typeof endpoint === "string") return { urls: [endpoint], possibleUrls: [] };
  const possibleUrls = endpoint.allowedHosts.map((host) => `https://${host}`);
  return { urls: [endpoint.url, ...possibleUrls], possibleUrls };
}

function isHostAndPort(value: string): boolean {
  const url = URL.parse(`https://${value}`);
  return url !== null && isHost(url.hostname) &&
    [url.host, `${url.host}:443`].includes(value.toLowerCase());
}
