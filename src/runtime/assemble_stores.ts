/**
 * Builds the stores of a configuration with their HTTP clients, credentials and token cache, for the
 * gateway and for the commands that examine a store.
 */
import { directContacts, networkAllowlist } from "../config/sandbox/contacts.ts";
import type { ClientCertificate } from "../config/keys/client_certificate.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import { isOptionalCache } from "../config/keys/token_cache.ts";
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
import type { FaultList } from "../telemetry/faults.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { Deadlines } from "../upstream/deadlines.ts";
import { ByteBudget, HoldingRoom } from "../upstream/holding_room.ts";
import { AnswerMemory } from "../upstream/read_ahead/answer_memory.ts";
import { Store } from "../upstream/store.ts";

export interface AssembledStores {
  /** By name. */
  readonly stores: ReadonlyMap<string, Store>;
  readonly tokenStore: TokenStore;
  /** Creates a further client with the same allowlist and proxy, closed with the others. */
  readonly client: (
    options: Pick<
      HttpClientOptions,
      "caCertificatesPem" | "clientCertificate" | "direct" | "http2" | "keepAliveMs"
    >,
  ) => HttpClient;
  /** Closes connections, timers and the token cache. */
  readonly close: () => Promise<void>;
}

/** Builds the stores. Nothing is contacted before the first request. */
export function assembleStores(
  config: GatewayConfig,
  { metrics, version, onAnswer, onTokenEvent, faults }: {
    readonly metrics: Metrics;
    readonly version: string;
    /** Receives the headers of every response of a store or identity provider, for diagnosis. */
    readonly onAnswer?: HttpClientOptions["onAnswer"];
    /** Receives the events of tokens, for the audit trail. */
    readonly onTokenEvent?: AuthorizerCollaborators["onTokenEvent"];
    readonly faults?: FaultList;
  },
): AssembledStores {
  const proxy = config.proxy && proxyOptions(config.proxy);
  const allowlist = new Set(networkAllowlist(config));
  const tokenStore = createTokenStore(config.tokenCache, {
    stateDirectory: config.stateDirectory,
    metrics,
    logger: createLogger("credentials"),
    onHealth: (reason) =>
      faults?.set(
        "token_cache",
        reason,
        isOptionalCache(config.tokenCache) ? undefined : "readiness",
      ),
  });
  const deadlines = new Deadlines();
  const userAgent = `dicomweb-gateway/${version}`;
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
      keepAliveMs: server.timeouts.keepAliveMs,
      direct: directContacts(config, server.name, "server"),
      ...(certificate && {
        clientCertificate: {
          certificatePem: certificate.certificatePem,
          keyPem: certificate.keyPem.reveal(),
        },
      }),
    });
  const { workers, uploads } = config;
  const room = new HoldingRoom({
    memoryBytes: Math.floor(uploads.memoryBytes / workers),
    diskBytes: Math.floor(uploads.diskBytes / workers),
    directory: config.stateDirectory,
    metrics,
  });
  const readAhead = new ByteBudget(Math.floor(config.readAheadBytes / workers));
  const answers = config.readAheadBytes === 0 ? undefined : new AnswerMemory(readAhead);
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
      userAgent,
      ...(onTokenEvent && { onTokenEvent }),
      onSpoolHealth: (reason) => faults?.set("upload_buffer", reason),
    });
    stores.set(
      server.name,
      new Store({
        config: server,
        authorizer,
        http: clientFor(server, server.http2, certificate?.toStore ? certificate : undefined),
        deadlines,
        room,
        readAhead,
        answers,
        logger: createLogger("upstream"),
        metrics,
        workers,
        credentialHeader: config.authentication?.apiKeys?.header,
        userAgent,
        isTraced: config.tracing,
      }),
    );
  }
  return {
    stores,
    tokenStore,
    client,
    close: async () => {
      await Promise.all([...stores.values()].map((store) => store.close()));
      answers?.close();
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
