/**
 * Interprets the document in which a provider describes itself (OpenID Connect Discovery 1.0, section
 * 4.3; RFC 8414, section 3.3; RFC 8705, section 5; SMART App Launch). Only the URLs of the token
 * endpoint and of the key set are used, and only from the right issuer and at allowed hosts.
 */
import { hostAndPort } from "../../config/values/host_names.ts";
import type { DiscoveryConfig } from "../../config/schemes/oauth2/discovery.ts";
import { jsonObject } from "../json_object.ts";
import { cannotFetch } from "../provider_exchange.ts";
import { quoteProvider } from "../provider_text.ts";
import type { AuthenticationTarget } from "./client_assertion.ts";

/** Longest URL of a provider that a message repeats. */
const MAX_QUOTED_URL = 200;

/** Whose document it is. */
export interface MetadataContext {
  /** Name of the configured server. */
  readonly server: string;
  readonly configured: DiscoveryConfig;
  /** What no message may repeat. */
  readonly secrets?: readonly string[];
}

/**
 * The token endpoint in a document.
 *
 * @param mutualTls Whether the gateway presents a client certificate: the endpoint may then have
 * another URL (RFC 8705, section 5).
 * @throws {GatewayError} TOK-001 for an unusable document, NET-008 for a host that is not allowed.
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
  { mutualTls, ...context }: MetadataContext & { readonly mutualTls: boolean },
): AuthenticationTarget {
  const { mtls_endpoint_aliases: aliases, token_endpoint: plain } = documentIn(body, context);
  const alias = mutualTls && typeof aliases === "object" && aliases !== null
    ? (aliases as Record<string, unknown>)["token_endpoint"]
    : undefined;
  const { kind, url } = context.configured;
  return {
    tokenEndpoint: checkedUrl(alias ?? plain, context, "token endpoint", "TokenEndpoint"),
    issuer: kind === "issuer" ? url : undefined,
  };
}

/**
 * The URL of the provider's JWK Set in a document.
 *
 * @throws {GatewayError} TOK-001 for an unusable document, NET-008 for a host that is not allowed.
 */
export function explainKeySetUrl(body: string, context: MetadataContext): string {
  const { jwks_uri: named } = documentIn(body, context);
  return checkedUrl(named, context, "key set (jwks_uri)", "JWKSUri");
}

function documentIn(
  body: string,
  { server, configured: { kind, url }, secrets = [] }: MetadataContext,
): Readonly<Record<string, unknown>> {
  const subject = `the discovery document of ${url}`;
  const metadata = jsonObject(body);
  if (metadata === undefined) {
    throw cannotFetch("TOK-001", server, `${subject} is no JSON object`, {
      troubleshooting: ["Look for a proxy or a login page that answers in place of the provider"],
    });
  }
  const { issuer } = metadata;
  if (kind === "issuer" && issuer !== url) {
    const other = typeof issuer === "string"
      ? quoteProvider(issuer, MAX_QUOTED_URL, secrets)
      : "none";
    throw cannotFetch("TOK-001", server, `${subject} names another issuer: ${other}`, {
      troubleshooting: [
        // Entra ID's documents of common and organizations.
        /\{tenantid\}/i.test(other)
          ? "The document is that of many tenants: write the GUID of yours in place of common or " +
            "organizations in Issuer, or set TenantId instead of Issuer"
          : "If that is your provider, write Issuer exactly as the message has it: a slash at its " +
            "end counts (RFC 8414, section 3.3)",
      ],
    });
  }
  return metadata;
}

/**
 * A URL that the document names, if its host is allowed.
 *
 * @param what What is there, for messages.
 * @param key The configuration key to set in place of discovery.
 */
function checkedUrl(
  named: unknown,
  { server, configured }: MetadataContext,
  what: string,
  key: string,
): string {
  const subject = `the discovery document of ${configured.url}`;
  const url = typeof named === "string" ? URL.parse(named) : null;
  const isPlain = url !== null && url.username === "" && url.password === "" && url.hash === "";
  const protocols = configured.url.startsWith("https:") ? ["https:"] : ["https:", "http:"];
  if (!isPlain || !protocols.includes(url.protocol)) {
    throw cannotFetch("TOK-001", server, `${subject} names no ${what} that can be used`, {
      troubleshooting: [`Set ${key} of this server instead`],
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
