/**
 * Handlers of the management API (in the plugin's envelope), the health checks and the key set. They report
 * facts about credentials, never a credential or a part of one.
 */
import type { Context } from "hono";
import { distanceRules } from "../../config/keys/store_profile.ts";
import { statusHex } from "../../dicomweb/stow/failure_reason.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { effectOf, FAULTS } from "../../telemetry/faults.ts";
import type { Store } from "../../upstream/store.ts";
import type { GatewayEnv, PageParts } from "../gateway_env.ts";
import { mergeStates, type ServerState } from "../account/gateway_state.ts";
import { isFailedUpload, type LastOutcome, type UploadVerdict } from "../account/activity.ts";
import type { ErrorSummary } from "../account/error_summary.ts";
import { healthOf } from "./server_health.ts";

/** The plugin's. */
const API_VERSION = "2.0";

/** Short enough that identity providers learn of a key within minutes of its publication. */
const KEYS_MAX_AGE_SECONDS = 300;

type Ctx = Context<GatewayEnv>;

/** Reports the gateway's own state: its servers have theirs. */
export async function showStatus(c: Ctx, parts: PageParts): Promise<Response> {
  const { size } = parts.stores;
  const { faults } = mergeStates(await parts.states());
  return envelope(c, parts, {
    status: faults.length === 0 ? "healthy" : "degraded",
    ready: !faults.some(({ stops }) => stops === "readiness"),
    token_managers: size,
    servers_configured: size,
    faults: faults.map(({ kind, sinceMs, reason, stops }) => ({
      kind,
      since: new Date(sinceMs).toISOString(),
      title: FAULTS[kind].title,
      reason,
      effect: effectOf({ kind, stops }),
      stops: stops ?? null,
      remedy: FAULTS[kind].remedy,
    })),
  });
}

/** Lists the servers, with the state that all workers together report. */
export async function listServers(c: Ctx, parts: PageParts): Promise<Response> {
  const { stores, states, now } = parts;
  const { servers } = mergeStates(await states());
  return envelope(c, parts, {
    servers: [...stores.values()].map((store) =>
      serverFacts(store, servers.get(store.name), now())
    ),
  });
}

/** Fetches a new token for a server. */
export async function testServer(c: Ctx, parts: PageParts, server: string): Promise<Response> {
  const store = storeOf(c, parts, server, "test the server");
  await store.authorizer.renew(c.req.raw.signal);
  const { hasToken, expiresAtMs } = store.authorizer.describe();
  return envelope(c, parts, {
    server: store.name,
    status: "success",
    token_acquired: hasToken,
    has_token: hasToken,
    ...expiryFacts(expiresAtMs, parts.now()),
  });
}

/** Revokes the cached token of a server. */
export async function revokeToken(c: Ctx, parts: PageParts, server: string): Promise<Response> {
  const store = storeOf(c, parts, server, "revoke the token");
  await parts.revocation.revoke(store);
  const { hasToken } = store.authorizer.describe();
  return envelope(c, parts, { server: store.name, status: "success", has_token: hasToken });
}

export async function showMetrics(c: Ctx, { metricsText }: PageParts): Promise<Response> {
  c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
  return c.body(await metricsText());
}

export async function ready(c: Ctx, { checkReadiness }: PageParts): Promise<Response> {
  await checkReadiness();
  return c.json({ status: "ready" });
}

/**
 * The public halves of the keys that the gateway signs assertions with, for identity providers that
 * fetch them (RFC 7517, section 5; SMART App Launch).
 */
export function showKeys(c: Ctx, { publicKeys }: PageParts): Response {
  if (publicKeys.length === 0) {
    throw new GatewayError("NET-006", "No keys are published");
  }
  c.header("cache-control", `public, max-age=${KEYS_MAX_AGE_SECONDS}`);
  return c.json({ keys: publicKeys });
}

function storeOf(c: Ctx, { stores }: PageParts, server: string, action: string): Store {
  const store = stores.get(server);
  if (store === undefined) {
    throw new GatewayError("NET-006", `Cannot ${action}: no server of that name`);
  }
  c.set("server", store.name);
  return store;
}

function envelope(c: Ctx, { version, now }: PageParts, data: unknown): Response {
  c.header("cache-control", "no-store");
  return c.json({
    plugin_version: version,
    api_version: API_VERSION,
    timestamp: new Date(now()).toISOString(),
    data,
  });
}

function serverFacts(
  store: Store,
  state: ServerState | undefined,
  nowMs: number,
): Record<string, unknown> {
  const own = store.authorizer.describe();
  const { kind, endpoint } = own;
  // Of all workers, if any reported.
  const { hasToken, expiresAtMs } = state ?? own;
  return {
    name: store.name,
    url: store.url,
    health: state === undefined ? null : healthOf(state),
    profile: store.profile.name,
    distance: store.profile.distance,
    distance_rules: distanceRules(store.profile),
    credentials: kind,
    token_endpoint: endpoint ?? null,
    has_cached_token: hasToken,
    token_valid: hasToken && (expiresAtMs === undefined || expiresAtMs > nowMs),
    ...expiryFacts(expiresAtMs, nowMs),
    last_request: outcomeFacts(state?.lastRequest),
    failed_upload: uploadFacts(state?.upload),
  };
}

function outcomeFacts(outcome: LastOutcome | undefined): Record<string, unknown> | null {
  if (outcome === undefined) return null;
  const { atMs, storeStatus, error } = outcome;
  return {
    at: new Date(atMs).toISOString(),
    store_status: storeStatus ?? null,
    error: errorFacts(error),
  };
}

/** The last upload, unless it succeeded. */
function uploadFacts(upload: UploadVerdict | undefined): Record<string, unknown> | null {
  if (upload === undefined || !isFailedUpload(upload)) return null;
  const { atMs, status, stow, error } = upload;
  return {
    at: new Date(atMs).toISOString(),
    store_status: status ?? null,
    sent: stow?.sent ?? null,
    stored: stow?.stored ?? null,
    failed: stow?.failed ?? null,
    failure_reasons: stow?.reasons.map(statusHex) ?? [],
    error: errorFacts(error),
  };
}

function errorFacts(error: ErrorSummary | undefined): Record<string, unknown> | null {
  if (error === undefined) return null;
  const { code, message, troubleshooting } = error;
  return { error_code: code, message, troubleshooting };
}

function expiryFacts(expiresAtMs: number | undefined, nowMs: number): Record<string, unknown> {
  if (expiresAtMs === undefined) return {};
  return {
    token_expires_at: new Date(expiresAtMs).toISOString(),
    token_expires_in_seconds: Math.max(0, Math.round((expiresAtMs - nowMs) / 1000)),
  };
}
