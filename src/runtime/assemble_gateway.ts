/**
 * Builds the gateway of a worker from its configuration: stores, authentication and the app.
 */
import { knownHosts } from "../config/keys/known_hosts.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import { isOptionalCache } from "../config/keys/token_cache.ts";
import type { RateLimitConfig } from "../config/keys/rate_limit.ts";
import { directContacts } from "../config/sandbox/contacts.ts";
import { publishedKeys } from "../config/sandbox/published_keys.ts";
import type { TokenStore } from "../credentials/cache/token_store.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { createApp, type GatewayOptions } from "../gateway/app.ts";
import { TokenRevocation } from "../gateway/pages/token_revocation.ts";
import { AccessRules } from "../gateway/steps/access_rules.ts";
import { Activity } from "../gateway/account/activity.ts";
import {
  type WorkerReports,
  type WorkerState,
  workerState,
} from "../gateway/account/gateway_state.ts";
import { ClientAddress } from "../gateway/client_address.ts";
import type { RateLimitOptions } from "../gateway/steps/limit_rate.ts";
import { QuotaTable } from "../gateway/steps/quota_table.ts";
import { PublicAddress } from "../gateway/public_address.ts";
import type { AuditRecorder } from "../telemetry/audit_event.ts";
import { uidNames } from "../telemetry/audit_uids.ts";
import { FaultList, FAULTS } from "../telemetry/faults.ts";
import { createLogger } from "../telemetry/logging.ts";
import { beginAtZero, type Metrics } from "../telemetry/metrics.ts";
import { assembleStores } from "./assemble_stores.ts";
import { createAuthenticator } from "./create_authenticator.ts";
import type { SharedByWorkers } from "./messages.ts";
import { within } from "./within.ts";

/** Longest time that a report on the state waits for the token cache. */
const PROBE_MS = 1_500;

/** What a gateway needs besides its configuration. */
export interface AssemblyOptions extends SharedByWorkers {
  readonly metrics: Metrics;
  /** Metrics of all workers in the Prometheus text format. */
  readonly metricsText: () => Promise<string>;
  /** Informs the other workers that an operator has revoked the token of a server. */
  readonly announceRevocation: (server: string, revocation: string) => void;
  readonly audit?: AuditRecorder | undefined;
  /** The states of all workers, for the status page. */
  readonly states: () => Promise<WorkerReports>;
  readonly document?: GatewayOptions["document"];
}

/** The gateway of one worker. */
export interface Gateway {
  readonly handle: (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;
  /** Discards a server's token that was revoked through another worker. */
  readonly forget: (server: string, revocation: string) => Promise<void>;
  /** The state of this worker, for the status page. */
  readonly state: () => Promise<WorkerState>;
  /** Records the requests in progress as cut off: they will never end by themselves. */
  readonly cutOff: () => void;
  /** Closes connections, timers and the token cache. */
  readonly close: () => Promise<void>;
}

export function assembleGateway(config: GatewayConfig, options: AssemblyOptions): Gateway {
  const { metrics, version } = options;
  const faults = new FaultList(Date.now);
  const { stores, tokenStore, client, close } = assembleStores(config, {
    metrics,
    version,
    onTokenEvent: (event) => options.audit?.record(event),
    faults,
  });
  beginAtZero(metrics, stores.keys());
  metrics.beforeRead.add(() => {
    for (const { name, authorizer } of stores.values()) {
      const { expiresAtMs } = authorizer.describe();
      if (expiresAtMs === undefined) metrics.tokenExpiry.remove({ server: name });
      else metrics.tokenExpiry.set({ server: name }, expiresAtMs / 1000);
    }
  });
  const authenticator = config.authentication && createAuthenticator(config.authentication, {
    failures: options.quotas.failures,
    client: ({ caCertificatesPem, name }) =>
      client({ caCertificatesPem, direct: directContacts(config, name, "issuer") }),
  });
  const clientAddress = new ClientAddress(config.trustedProxies);
  const activity = new Activity(Date.now);
  const unfinished = new Set<{ cutOff(): void }>();
  const { announceRevocation } = options;
  const revocation = new TokenRevocation({ announceRevocation, now: Date.now });
  const app = createApp({
    activity,
    states: options.states,
    formKey: options.formKey,
    authenticator,
    clientAddress,
    audit: options.audit && config.audit && {
      trail: options.audit,
      nameUid: uidNames(config.audit),
      unfinished,
    },
    knownHosts: knownHosts(config),
    access: accessRules(config),
    rateLimit: rateLimit(config, options.quotas),
    stores,
    version,
    metrics,
    metricsText: options.metricsText,
    announceRevocation,
    revocation,
    cors: config.cors,
    address: new PublicAddress(config.publicUrl, config.trustedProxies, {
      port: config.listen.port,
      logger: createLogger("gateway"),
    }),
    publicKeys: publishedKeys(config.servers),
    ...(options.document && { document: options.document }),
    checkReadiness: () =>
      isOptionalCache(config.tokenCache) ? Promise.resolve() : checkReadiness(tokenStore, faults),
    logger: createLogger("gateway"),
    security: createLogger("security"),
    now: Date.now,
  });
  return {
    handle: (request, info) => app.fetch(request, info as Deno.ServeHandlerInfo<Deno.NetAddr>),
    state: async () => {
      await within(PROBE_MS, tokenStore.probe().catch(() => {}), undefined);
      return await workerState({ stores, activity, metrics, faults });
    },
    forget: async (server, id) => {
      revocation.happened(server);
      // A failure of the cache is reported by the worker that the operator asked.
      await stores.get(server)?.authorizer.forget(id).catch(() => {});
    },
    cutOff: () => unfinished.forEach((account) => account.cutOff()),
    close,
  };
}

/** Undefined if everyone may do everything: then nothing needs to be checked. */
function accessRules({ permissions, servers }: GatewayConfig): AccessRules | undefined {
  const readOnly = new Set(
    [...servers.values()].filter((server) => server.readOnly).map(({ name }) => name),
  );
  if (permissions === undefined && readOnly.size === 0) return undefined;
  return new AccessRules({ permissions, servers: [...servers.keys()], readOnly });
}

function rateLimit(
  { rateLimit: limit, servers, trustedProxies }: GatewayConfig,
  { requests }: SharedByWorkers["quotas"],
): RateLimitOptions | undefined {
  const own = new Map<string, RateLimitConfig | "unlimited">();
  for (const { name, rateLimit } of servers.values()) {
    if (rateLimit !== undefined) own.set(name, rateLimit);
  }
  if (limit === undefined && own.size === 0) return undefined;
  const addresses = new ClientAddress(trustedProxies);
  return { table: new QuotaTable(requests, Date.now), limit, servers: own, addresses };
}

/** Running traffic continues without the cache, but a new replica must not receive traffic without it. */
async function checkReadiness(store: TokenStore, faults: FaultList): Promise<void> {
  await store.probe().catch(() => {});
  const fault = faults.current.find(({ stops }) => stops === "readiness");
  if (fault === undefined) return;
  const { title } = FAULTS[fault.kind];
  // The reason may name hosts, and everyone may ask: the status page has it.
  throw new GatewayError("INT-002", `Not ready: ${title.charAt(0).toLowerCase()}${title.slice(1)}`);
}
