/**
 * Learns where a provider's token endpoint is from the document that the provider publishes: OpenID
 * Connect Discovery 1.0, RFC 8414 or SMART App Launch. A document that names another issuer, or an
 * endpoint at a host that the configuration does not allow, is refused: it would decide where
 * the client's credential goes.
 *
 * @module
 */
import type { DiscoveryConfig } from "../../config/schemes/oauth2/discovery.ts";
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";
import {
  cannotFetch,
  exchange,
  type ProviderAnswer,
  type ProviderConnection,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { withoutTrailing } from "../../dicomweb/without_trailing.ts";
import { explainMetadata } from "./provider_metadata.ts";
import { findAdvice } from "../provider_advice.ts";
import type { AuthenticationTarget } from "./token_request.ts";

const SERVICE = "discovery document";

/** How long a document is believed. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** Least and most time between two looks at a document that something may be wrong with. */
const MIN_WAIT_MS = 30_000;
const MAX_WAIT_MS = 60 * 60 * 1000;

/** How a provider's document is reached, and whose it is. */
export interface DiscoveryConnection extends ProviderConnection {
  /** The provider, where the configuration says it: its own remedies are told. */
  readonly provider?: ProviderName | undefined;
}

/** What discovery works with. */
export interface DiscoveryOptions extends DiscoveryConnection {
  readonly configured: DiscoveryConfig;
  /** Whether the gateway shows a certificate: the endpoint then has another address with some. */
  readonly mutualTls: boolean;
}

/** Learns the token endpoint of one provider. */
export class TokenEndpointDiscovery {
  readonly #options: DiscoveryOptions;
  #known: AuthenticationTarget | undefined;
  #lookedAtMs = -Infinity;
  #lookAgainAtMs = -Infinity;
  #waitMs = MIN_WAIT_MS;

  /** @param options What it works with. */
  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** The token endpoint once it is known, until then what the configuration has in its place. */
  get url(): string {
    return this.#known?.tokenEndpoint ?? this.#options.configured.url;
  }

  /**
   * Finds the token endpoint. A document that was read before is used for a day, and longer while no
   * new one can be had.
   *
   * @throws {GatewayError} TOK-001 where there is no such document or it is of no use, NET-008 where
   * it names a host that is not allowed; NET-001, NET-003, NET-004, AUTH-003 where none came.
   * @throws The signal's reason when it aborts.
   */
  async locate(signal: AbortSignal): Promise<AuthenticationTarget> {
    const { clock } = this.#options;
    if (this.#known !== undefined && clock.monotonic() < this.#lookAgainAtMs) return this.#known;
    const lookedAtMs = this.#lookedAtMs = clock.monotonic();
    try {
      const found = await this.#look(signal);
      this.#lookAgainAtMs = lookedAtMs + MAX_AGE_MS;
      this.#growWait(found.tokenEndpoint === this.#known?.tokenEndpoint);
      return this.#known = found;
    } catch (error) {
      // Without a document the token request fails, and is repeated as its own policy says.
      if (this.#known === undefined || signal.aborted) throw error;
      this.#lookAgainAtMs = lookedAtMs + this.#waitMs;
      this.#growWait(true);
      return this.#known;
    }
  }

  /**
   * Tells how a token request to the endpoint went.
   *
   * @param answered Whether a token endpoint answered. If not, the document is looked at again, ever
   * more slowly: the provider may have moved it.
   */
  report(answered: boolean): void {
    if (answered) this.#growWait(false);
    else this.#lookAgainAtMs = this.#lookedAtMs + this.#waitMs;
  }

  #growWait(inVain: boolean): void {
    this.#waitMs = inVain ? Math.min(2 * this.#waitMs, MAX_WAIT_MS) : MIN_WAIT_MS;
  }

  /** Half the time of a token request, so that one document out of reach leaves time for the other. */
  #look(signal: AbortSignal): Promise<AuthenticationTarget> {
    const { configured, server, timeoutMs, mutualTls } = this.#options;
    const limits = { ...this.#options, timeoutMs: timeoutMs / 2 };
    return withinTimeLimit(limits, SERVICE, signal, async (signal) => {
      const body = await readDiscoveryDocument(this.#options, configured, signal);
      return explainMetadata(body, { server, configured, mutualTls });
    });
  }
}

/**
 * Reads the document in which a provider describes itself.
 *
 * @param connection How the provider is reached, and which it is.
 * @throws {GatewayError} TOK-001 where there is none; NET-003, NET-004, AUTH-003 where none came.
 * @throws The signal's reason when it aborts.
 */
export async function readDiscoveryDocument(
  connection: DiscoveryConnection,
  configured: DiscoveryConfig,
  signal: AbortSignal,
): Promise<string> {
  const { server, provider } = connection;
  let answer: ProviderAnswer | undefined;
  for (const url of discoveryUrls(configured)) {
    const headers = { accept: "application/json" };
    answer = await exchange(connection, SERVICE, { url, headers, signal });
    if (answer.status === 200) return answer.body;
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) break;
  }
  const status = answer?.status ?? 0;
  const state = `the ${SERVICE} of ${configured.url} answered ${status}`;
  if (status >= 300 && status < 400) throw cannotFetch("NET-004", server, state);
  if (status >= 500 || status === 429 || status === 408) {
    throw cannotFetch("AUTH-003", server, state);
  }
  const key = configured.kind === "smart" ? "SmartBaseUrl" : "Issuer";
  throw cannotFetch("TOK-001", server, state, {
    troubleshooting: [
      ...findAdvice({ endpoint: configured.url, provider, status })?.steps ?? [],
      `Check ${key}: the document is looked for at ${discoveryUrls(configured).join(" and ")}`,
      "If the provider publishes none, set TokenEndpoint instead",
    ],
  });
}

/**
 * Where the document of a provider is.
 *
 * @returns The URLs to look at, in order.
 *
 * @example
 * ```ts
 * import { discoveryUrls } from "./token_endpoint_discovery.ts";
 * import assert from "node:assert/strict";
 *
 * const url = "https://idp.example/realms/r/";
 * assert.deepEqual(discoveryUrls({ kind: "issuer", url, allowedHosts: [] }), [
 *   "https://idp.example/realms/r/.well-known/openid-configuration",
 *   "https://idp.example/.well-known/oauth-authorization-server/realms/r",
 * ]);
 * ```
 */
export function discoveryUrls({ kind, url }: DiscoveryConfig): string[] {
  const base = withoutTrailing(url, "/");
  if (kind === "smart") return [`${base}/.well-known/smart-configuration`];
  const { origin } = new URL(base);
  const path = base.replace(/^https?:\/\/[^/]*/i, "");
  return [
    // OpenID Connect Discovery 1.0, section 4: after the path.
    `${base}/.well-known/openid-configuration`,
    // RFC 8414, section 3: before it.
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}
