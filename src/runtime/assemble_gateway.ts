/**
 * Builds the gateway from its configuration: stores, authentication and the app, each handed what it
 * works with.
 *
 * @module
 */
import { knownHosts } from "../config/keys/known_hosts.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import type { RateLimitConfig } from "../config/keys/rate_limit.ts";
import { publishedKeys } from "../config/sandbox/own_certificates.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { createApp } from "../gateway/app.ts";
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
import { createLogger } from "../telemetry/logging.ts";
import { beginAtZero, type Metrics } from "../telemetry/metrics.ts";
import { assembleStores } from "./assemble_stores.ts";
import { createAuthenticator } from "./create_authenticator.ts";
import type { QuotaMemory } from "./messages.ts";

/** What the gateway is built with. */
export interface AssemblyOptions {
  readonly metrics: Metrics;
  /** Metrics of all workers in the Prometheus text format. */
  readonly metricsText: () => Promise<string>;
  /** Tells the other workers that an operator has revoked the token of a server. */
  readonly announceRevocation: (server: string, revocation: string) => void;
  /** Version of the gateway. */
  readonly version: string;
  /** What clients have used of their quotas, shared by all workers. */
  readonly quotas: QuotaMemory;
  /** Takes what happened, where there is an audit trail. */
  readonly audit?: AuditRecorder | undefined;
  /** What all workers tell for the status page. */
  readonly states: () => Promise<WorkerReports>;
  /** The key of the forms of the status page, the same for all workers. */
  readonly formKey: string;
}

/** The gateway of one worker. */
export interface Gateway {
  /** Answers a request. */
  readonly handle: (request: Request, info: Deno.ServeHandlerInfo) => Response | Promise<Response>;
  /** Drops a server's token: another worker was asked to revoke it. */
  readonly forget: (server: string, revocation: string) => Promise<void>;
  /** What this worker tells for the status page. */
  readonly state: () => Promise<WorkerState>;
  /** Records of what still runs that it was cut off: it never ends by itself. */
  readonly cutOff: () => void;
  /** Frees what is held: connections, timers, the token cache. */
  readonly close: () => Promise<void>;
}

/**
 * Builds the gateway.
 *
 * @param options What else it is built with.
 */
export function assembleGateway(
  config: GatewayConfig,
  options: AssemblyOptions,
): Gateway {
  const { metrics, version } = options;
  const { stores, tokenStore, client, close } = assembleStores(config, {
    metrics,
    version,
    onTokenEvent: (event) => options.audit?.record(event),
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
    client: (caCertificatesPem) => client({ caCertificatesPem }),
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
    address: new PublicAddress(config.publicUrl, config.trustedProxies),
    publicKeys: publishedKeys(config.servers),
    checkReadiness: () => checkReadiness(() => tokenStore.ping()),
    logger: createLogger("gateway"),
    now: Date.now,
  });
  return {
    handle: (request, info) => app.fetch(request, info as Deno.ServeHandlerInfo<Deno.NetAddr>),
    state: () => workerState(stores, activity, metrics),
    forget: async (server, id) => {
      revocation.happened(server);
      // That the cache cannot be told is for the worker that was asked to say.
      await stores.get(server)?.authorizer.forget(id).catch(() => {});
    },
    cutOff: () => unfinished.forEach((account) => account.cutOff()),
    close,
  };
}

/** Nothing where everyone may do everything: then nobody has to ask. */
function accessRules({ permissions, servers }: GatewayConfig): AccessRules | undefined {
  const readOnly = new Set(
    [...servers.values()].filter((server) => server.readOnly).map(({ name }) => name),
  );
  if (permissions === undefined && readOnly.size === 0) return undefined;
  return new AccessRules({ permissions, servers: [...servers.keys()], readOnly });
}

function rateLimit(
  { rateLimit: limit, servers, trustedProxies }: GatewayConfig,
  { requests }: QuotaMemory,
): RateLimitOptions | undefined {
  const own = new Map<string, RateLimitConfig | "unlimited">();
  for (const { name, rateLimit } of servers.values()) {
    if (rateLimit !== undefined) own.set(name, rateLimit);
  }
  if (limit === undefined && own.size === 0) return undefined;
  const addresses = new ClientAddress(trustedProxies);
  return { table: new QuotaTable(requests, Date.now), limit, servers: own, addresses };
}

/** Traffic goes on without the cache, but a new replica shall not be sent traffic without it. */
async function checkReadiness(ping: () => Promise<void>): Promise<void> {
  try {
    await ping();
  } catch (cause) {
    throw new GatewayError("INT-002", "Not ready: the token cache cannot be reached", { cause });
  }
}
