/**
 * Judges the document in which a provider describes itself (OpenID Connect Discovery 1.0, section 4.3;
 * RFC 8414, section 3.3; RFC 8705, section 5; SMART App Launch). Nothing is taken from it but
 * the addresses of the token endpoint and of the key set, and those only from the right issuer and at
 * hosts that are allowed.
 *
 * @module
 */
import { hostAndPort } from "../../config/values/host_names.ts";
import type { DiscoveryConfig } from "../../config/schemes/oauth2/discovery.ts";
import { cannotFetch } from "../provider_exchange.ts";
import { quoteProvider } from "../provider_text.ts";
import type { AuthenticationTarget } from "./token_request.ts";

/** Longest URL of a provider that a message repeats. */
const MAX_QUOTED_URL = 200;

/** What judging needs to know besides the document. */
export interface MetadataContext {
  /** Name of the configured server. */
  readonly server: string;
  readonly configured: DiscoveryConfig;
  /** Whether the gateway shows a certificate. */
  readonly mutualTls: boolean;
}

/**
 * Takes the token endpoint from a document.
 *
 * @throws {GatewayError} TOK-001 for a document of no use, NET-008 for a host that is not allowed.
 *
 * @example
 * ```ts
 * import { explainMetadata } from "./provider_metadata.ts";
 * import assert from "node:assert/strict";
 *
 * const url = "https://idp.example";
 * const configured = { kind: "issuer", url, allowedHosts: ["idp.example:443"] } as const;
 * const document = JSON.stringify({ issuer: url, token_endpoint: `${url}/token` });
 * assert.deepEqual(explainMetadata(document, { server: "main", configured, mutualTls: false }), {
 *   tokenEndpoint: "https://idp.example/token",
 *   issuer: "https://idp.example",
 * });
 * ```
 */
export function explainMetadata(
  body: string,
  { server, configured, mutualTls }: MetadataContext,
): AuthenticationTarget {
  const metadata = documentIn(body, { server, configured });
  const url = checkedUrl(tokenEndpoint(metadata, mutualTls), {
    server,
    configured,
    what: "token endpoint",
    instead: "TokenEndpoint",
  });
  return { tokenEndpoint: url, issuer: configured.kind === "issuer" ? configured.url : undefined };
}

/**
 * Takes the address of the provider's JWK Set from a document.
 *
 * @returns Where the keys are that tokens are signed with.
 * @throws {GatewayError} TOK-001 for a document of no use, NET-008 for a host that is not allowed.
 */
export function explainKeySetUrl(
  body: string,
  context: Omit<MetadataContext, "mutualTls">,
): string {
  const { jwks_uri: named } = documentIn(body, context);
  return checkedUrl(named, { ...context, what: "key set (jwks_uri)", instead: "JWKSUri" });
}

function documentIn(
  body: string,
  { server, configured: { kind, url } }: Omit<MetadataContext, "mutualTls">,
): Record<string, unknown> {
  const subject = `the discovery document of ${url}`;
  const metadata = objectIn(body);
  if (metadata === undefined) {
    throw cannotFetch("TOK-001", server, `${subject} is no JSON object`, {
      troubleshooting: ["Look for a proxy or a login page that answers in place of the provider"],
    });
  }
  if (kind === "issuer" && metadata["issuer"] !== url) {
    const named = metadata["issuer"];
    const other = typeof named === "string" ? quoteProvider(named, MAX_QUOTED_URL, []) : "none";
    throw cannotFetch("TOK-001", server, `${subject} names another issuer: ${other}`, {
      troubleshooting: [
        "If that is your provider, write Issuer exactly as the message has it: a slash at its " +
        "end counts (RFC 8414, section 3.3)",
      ],
    });
  }
  return metadata;
}

/** An address that the document names: it may lead to no host but those that are allowed. */
function checkedUrl(
  named: unknown,
  { server, configured, what, instead }: Omit<MetadataContext, "mutualTls"> & {
    readonly what: string;
    /** The key to set in place of discovery. */
    readonly instead: string;
  },
): string {
  const subject = `the discovery document of ${configured.url}`;
  const url = typeof named === "string" ? URL.parse(named) : null;
  const isPlain = url !== null && url.username === "" && url.password === "" && url.hash === "";
  const protocols = configured.url.startsWith("https:") ? ["https:"] : ["https:", "http:"];
  if (!isPlain || !protocols.includes(url.protocol)) {
    throw cannotFetch("TOK-001", server, `${subject} names no ${what} that can be used`, {
      troubleshooting: [`Set ${instead} of this server instead`],
    });
  }
  const host = hostAndPort(url.href);
  if (!configured.allowedHosts.includes(host)) {
    throw cannotFetch("NET-008", server, `${subject} names a ${what} at ${host}`, {
      troubleshooting: [`If that host is your provider's, add it to AllowedHosts of this server`],
    });
  }
  return url.href;
}

function objectIn(body: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? json as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}

/** With a client certificate the endpoint may have another address (RFC 8705, section 5). */
function tokenEndpoint(metadata: Record<string, unknown>, mutualTls: boolean): unknown {
  const { mtls_endpoint_aliases: aliases, token_endpoint: plain } = metadata;
  const alias = mutualTls && typeof aliases === "object" && aliases !== null
    ? (aliases as Record<string, unknown>)["token_endpoint"]
    : undefined;
  return alias ?? plain;
}
