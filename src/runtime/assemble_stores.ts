/**
 * Builds the stores of a configuration with all that requests to them need: HTTP clients, credentials
 * and the token cache. The gateway serves with them, and the commands that examine a store use the
 * same.
 *
 * @module
 */
import { hostAndPort } from "../config/values/host_names.ts";
import { networkAllowlist } from "../config/sandbox/contacts.ts";
import type { ClientCertificate } from "../config/keys/client_certificate.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import type { ProxyConfig } from "../config/keys/proxy.ts";
import type { ServerConfig } from "../config/keys/server.ts";
import {
  type AuthorizerCollaborators,
  createAuthorizer,
} from "../credentials/create_authorizer.ts";
import { createTokenStore } from "../credentials/cache/create_token_store.ts";
import type { TokenStore } from "../credentials/cache/token_store.ts";
import { HttpClient, type HttpClientOptions } from "../network/http_client.ts";
import { createLogger } from "../telemetry/logging.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { Deadlines } from "../upstream/deadlines.ts";
import { Store } from "../upstream/store.ts";

/** What stores are built with. */
export interface StoresOptions {
  readonly metrics: Metrics;
  /** Version of the gateway. */
  readonly version: string;
  /** Sees the headers of every answer of a store or identity provider, for diagnosis. */
  readonly onAnswer?: HttpClientOptions["onAnswer"];
  /** Told what becomes of tokens, for the audit trail. */
  readonly onTokenEvent?: AuthorizerCollaborators["onTokenEvent"];
}

/** The stores of one worker. */
export interface AssembledStores {
  /** By name. */
  readonly stores: ReadonlyMap<string, Store>;
  readonly tokenStore: TokenStore;
  /** Makes a further client within the allowlist, through the proxy. */
  readonly client: (
    options: Pick<
      HttpClientOptions,
      "caCertificatesPem" | "clientCertificate" | "direct" | "http2"
    >,
  ) => HttpClient;
  /** Frees what is held: connections, timers, the token cache. */
  readonly close: () => Promise<void>;
}

/**
 * Builds the stores. Nothing is contacted before the first request.
 *
 * @param options What else they are built with.
 */
export function assembleStores(
  config: GatewayConfig,
  { metrics, version, onAnswer, onTokenEvent }: StoresOptions,
): AssembledStores {
  const proxy = config.proxy && proxyOptions(config.proxy);
  const allowlist = new Set(networkAllowlist(config));
  const tokenStore = createTokenStore(config.tokenCache, {
    stateDirectory: config.stateDirectory,
    metrics,
    logger: createLogger("credentials"),
  });
  const deadlines = new Deadlines();
  const clients: HttpClient[] = [];
  const client: AssembledStores["client"] = (options) => {
    const made = new HttpClient({ ...options, allowlist, ...(proxy && { proxy }), onAnswer });
    clients.push(made);
    return made;
  };
  const clientFor = (server: ServerConfig, http2: boolean, certificate?: ClientCertificate) =>
    client({
      caCertificatesPem: server.tls.caCertificatesPem,
      http2,
      direct: new Set(server.reach.localUrls.map(hostAndPort)),
      ...(certificate !== undefined && { clientCertificate: certificateOptions(certificate) }),
    });
  const stores = new Map<string, Store>();
  for (const server of config.servers.values()) {
    const { clientCertificate: certificate } = server.tls;
    const authorizer = createAuthorizer(server, {
      http: clientFor(server, false, certificate?.toTokenEndpoint ? certificate : undefined),
      store: tokenStore,
      stateDirectory: config.stateDirectory,
      metrics,
      logger: createLogger("credentials"),
      security: createLogger("security"),
      ...(onTokenEvent && { onTokenEvent }),
    });
    stores.set(
      server.name,
      new Store({
        config: server,
        authorizer,
        http: clientFor(server, server.http2, certificate?.toStore ? certificate : undefined),
        deadlines,
        logger: createLogger("upstream"),
        metrics,
        workers: config.workers,
        credentialHeader: config.authentication?.apiKeys?.header,
        userAgent: `dicomweb-gateway/${version}`,
        isTraced: config.tracing,
      }),
    );
  }
  return {
    stores,
    tokenStore,
    client,
    close: async () => {
      await Promise.all([...stores.values()].map((store) => store.authorizer.close()));
      await tokenStore.close();
      for (const each of clients) each.close();
    },
  };
}

function proxyOptions({ url, username, password }: ProxyConfig): HttpClientOptions["proxy"] {
  return {
    url,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.reveal() }),
  };
}

function certificateOptions(
  { certificatePem, keyPem }: ClientCertificate,
): NonNullable<HttpClientOptions["clientCertificate"]> {
  return { certificatePem, keyPem: keyPem.reveal() };
}
