/**
 * Discovers a provider's token endpoint in the document that the provider publishes: OpenID Connect
 * Discovery 1.0, RFC 8414 or SMART App Launch. Rejects a document that names another issuer, or an
 * endpoint at a host that the configuration does not allow: it would decide where the client's
 * credential goes.
 */
import type { DiscoveryConfig } from "../../config/schemes/oauth2/discovery.ts";
import type { ProviderName } from "../../config/schemes/oauth2/identity_provider.ts";
import {
  cannotFetch,
  exchange,
  isTransient,
  type ProviderAnswer,
  type ProviderConnection,
  secretsOf,
  withinTimeLimit,
} from "../provider_exchange.ts";
import { withoutTrailing } from "../../dicomweb/without_trailing.ts";
import { explainMetadata } from "./provider_metadata.ts";
import { findAdvice } from "../provider_advice.ts";
import { redirectError } from "../provider_redirect.ts";
import { quoteRefusal } from "../provider_text.ts";
import { providerWords } from "../provider_words.ts";
import type { AuthenticationTarget } from "./client_assertion.ts";

const SERVICE = "discovery document";

/** How long a document is valid. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** Shortest and longest time between two requests for a document that may be wrong. */
const MIN_WAIT_MS = 30_000;
const MAX_WAIT_MS = 60 * 60 * 1000;

/** Connection to the provider that publishes a document. */
export interface DiscoveryConnection extends ProviderConnection {
  /** The provider, if the configuration names it: selects its advice. */
  readonly provider?: ProviderName | undefined;
}

/** The document and how it is read. */
export interface DiscoveryOptions extends DiscoveryConnection {
  readonly configured: DiscoveryConfig;
  /** Whether the gateway presents a client certificate: the endpoint may then have another URL. */
  readonly mutualTls: boolean;
}

/** Discovers the token endpoint of one provider. */
export class TokenEndpointDiscovery {
  readonly #options: DiscoveryOptions;
  #known: AuthenticationTarget | undefined;
  #readAtMs = -Infinity;
  #readAgainAtMs = -Infinity;
  #waitMs = MIN_WAIT_MS;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** The token endpoint once it is known, until then the issuer or SMART base URL. */
  get url(): string {
    return this.#known?.tokenEndpoint ?? this.#options.configured.url;
  }

  /**
   * Returns the token endpoint. A document is valid for a day, and longer while no new one can be read.
   *
   * @throws {GatewayError} TOK-001 without a usable document, NET-008 if it names a host that is not
   * allowed; NET-001, NET-003, NET-004, AUTH-003 if none could be fetched.
   * @throws The signal's reason when it aborts.
   */
  async locate(signal: AbortSignal): Promise<AuthenticationTarget> {
    const { clock } = this.#options;
    if (this.#known !== undefined && clock.monotonic() < this.#readAgainAtMs) return this.#known;
    const readAtMs = this.#readAtMs = clock.monotonic();
    try {
      const found = await this.#read(signal);
      this.#readAgainAtMs = readAtMs + MAX_AGE_MS;
      this.#growWait(found.tokenEndpoint === this.#known?.tokenEndpoint);
      return this.#known = found;
    } catch (error) {
      // Without a document the token request fails, and is repeated as its own policy says.
      if (this.#known === undefined || signal.aborted) throw error;
      this.#readAgainAtMs = readAtMs + this.#waitMs;
      this.#growWait(true);
      return this.#known;
    }
  }

  /**
   * Reports the outcome of a token request.
   *
   * @param answered Whether a token endpoint answered. If not, the document is read again, at growing
   * intervals: the provider may have moved it.
   */
  report(answered: boolean): void {
    if (answered) this.#growWait(false);
    else this.#readAgainAtMs = this.#readAtMs + this.#waitMs;
  }

  #growWait(inVain: boolean): void {
    this.#waitMs = inVain ? Math.min(2 * this.#waitMs, MAX_WAIT_MS) : MIN_WAIT_MS;
  }

  /** Half the time of a token request, so that one unreachable document leaves time for the other. */
  #read(signal: AbortSignal): Promise<AuthenticationTarget> {
    const limits = { ...this.#options, timeoutMs: this.#options.timeoutMs / 2 };
    return withinTimeLimit(limits, SERVICE, signal, async (signal) => {
      const { configured } = this.#options;
      const body = await readDiscoveryDocument(this.#options, configured, signal);
      return explainMetadata(body, { ...this.#options, secrets: secretsOf(this.#options) });
    });
  }
}

/**
 * Reads the document in which a provider describes itself.
 *
 * @throws {GatewayError} TOK-001 if there is none; NET-003, NET-004, AUTH-003 if it cannot be fetched.
 * @throws The signal's reason when it aborts.
 */
export async function readDiscoveryDocument(
  connection: DiscoveryConnection,
  configured: DiscoveryConfig,
  signal: AbortSignal,
): Promise<string> {
  const { server, provider } = connection;
  const secrets = secretsOf(connection);
  const urls = discoveryUrls(configured);
  let answer: ProviderAnswer | undefined;
  let asked = "";
  for (const url of urls) {
    const headers = { accept: "application/json" };
    asked = url;
    answer = await exchange(connection, SERVICE, { url, headers, signal });
    if (answer.status === 200) return answer.body;
    if (isTransient(answer)) break;
  }
  const status = answer?.status ?? 0;
  const state = `the ${SERVICE} of ${configured.url} answered ${status}`;
  if (answer !== undefined && status >= 300 && status < 400) {
    throw redirectError(answer, { server, state, url: asked, secrets });
  }
  const said = answer === undefined ? "" : quoteRefusal(providerWords(answer), secrets);
  if (isTransient({ status })) throw cannotFetch("AUTH-003", server, state + said);
  const key = configured.kind === "smart" ? "SmartBaseUrl" : "Issuer";
  throw cannotFetch("TOK-001", server, state + said, {
    troubleshooting: [
      ...findAdvice({ endpoint: configured.url, provider, status })?.steps ?? [],
      `Check ${key}: the document is looked for at ${urls.join(" and ")}`,
      "If the provider publishes none, set TokenEndpoint instead",
    ],
  });
}

/**
 * The URLs where the document of a provider may be, in order.
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
