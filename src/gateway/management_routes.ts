/**
 * The plugin's management API, in the plugin's envelope, and the health pages. It tells facts about
 * credentials and never a credential or a part of one.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Store } from "../upstream/store.ts";
import type { GatewayEnv } from "./gateway_env.ts";
import { mergeStates, type ServerState, type ToldStates } from "./gateway_state.ts";
import type { LastOutcome } from "./last_outcomes.ts";
import { healthOf } from "./server_health.ts";
import { OPENAPI_PATH, openApiDocument } from "./openapi.ts";
import type { RevocationOptions, TokenRevocation } from "./token_revocation.ts";

/** Version of the management API, the plugin's. */
const API_VERSION = "2.0";

/** The pages, and the methods that each has. */
const METHODS: readonly (readonly [path: string, allow: string])[] = [
  ["/dicomweb-oauth/status", "GET, HEAD"],
  ["/dicomweb-oauth/servers", "GET, HEAD"],
  ["/dicomweb-oauth/servers/:name/test", "POST"],
  ["/dicomweb-oauth/servers/:name/token", "DELETE"],
  ["/dicomweb-oauth/metrics", "GET, HEAD"],
  [OPENAPI_PATH, "GET, HEAD"],
  ["/healthz", "GET, HEAD"],
  ["/readyz", "GET, HEAD"],
];

/** What the management API tells about. */
export interface ManagementOptions extends RevocationOptions {
  readonly stores: ReadonlyMap<string, Store>;
  /** Version of the gateway. */
  readonly version: string;
  /** Checks what requests need beyond this process. Throws with a message when it is not there. */
  readonly checkReadiness: () => Promise<void>;
  /** Metrics of the whole gateway in the Prometheus text format. */
  readonly metricsText: () => Promise<string>;
}

/**
 * The management routes.
 *
 * @param options What they tell about.
 * @returns An app to mount at the root.
 */
export function managementRoutes(
  options: ManagementOptions & {
    /** What all workers tell. */
    readonly states: () => Promise<ToldStates>;
    readonly revocation: TokenRevocation;
  },
): Hono<GatewayEnv> {
  const { stores, now, states, revocation } = options;
  const envelope = (c: Context<GatewayEnv>, data: unknown) => {
    c.header("cache-control", "no-store");
    return c.json({
      plugin_version: options.version,
      api_version: API_VERSION,
      timestamp: new Date(now()).toISOString(),
      data,
    });
  };
  const app = new Hono<GatewayEnv>();
  app.use("/dicomweb-oauth/*", async (c, next) => {
    c.header("cross-origin-resource-policy", "same-origin");
    c.header("x-content-type-options", "nosniff");
    await next();
  });
  app.get("/dicomweb-oauth/status", (c) =>
    envelope(c, {
      status: "healthy",
      token_managers: stores.size,
      servers_configured: stores.size,
    }));
  app.get("/dicomweb-oauth/servers", async (c) => {
    const { servers } = mergeStates(await states());
    return envelope(c, {
      servers: [...stores.values()].map((store) =>
        serverFacts(store, servers.get(store.name), now())
      ),
    });
  });
  app.post("/dicomweb-oauth/servers/:name/test", async (c) => {
    const store = stores.get(c.req.param("name"));
    if (store === undefined) {
      throw new GatewayError("NET-006", "Cannot test the server: no server of that name");
    }
    c.set("server", store.name);
    await store.authorizer.renew(c.req.raw.signal);
    const { hasToken, expiresAtMs } = store.authorizer.describe();
    return envelope(c, {
      server: store.name,
      status: "success",
      token_acquired: hasToken,
      has_token: hasToken,
      ...expiryFacts(expiresAtMs, now()),
    });
  });
  app.delete("/dicomweb-oauth/servers/:name/token", async (c) => {
    const store = stores.get(c.req.param("name"));
    if (store === undefined) {
      throw new GatewayError("NET-006", "Cannot revoke the token: no server of that name");
    }
    c.set("server", store.name);
    await revocation.revoke(store);
    const { hasToken } = store.authorizer.describe();
    return envelope(c, { server: store.name, status: "success", has_token: hasToken });
  });
  app.get("/dicomweb-oauth/metrics", async (c) => {
    c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await options.metricsText());
  });
  app.get(OPENAPI_PATH, (c) => c.json(openApiDocument(options.version)));
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    await options.checkReadiness();
    return c.json({ status: "ready" });
  });
  for (const [path, allow] of METHODS) {
    app.all(path, () => {
      throw new GatewayError("NET-007", "Cannot answer: this page has no such method", {
        headers: { allow },
      });
    });
  }
  return app;
}

function serverFacts(
  store: Store,
  state: ServerState | undefined,
  nowMs: number,
): Record<string, unknown> {
  const own = store.authorizer.describe();
  const { kind, endpoint } = own;
  // Whichever worker is asked, the answer holds for the gateway.
  const { hasToken, expiresAtMs } = state ?? own;
  return {
    name: store.name,
    url: store.url,
    health: state === undefined ? null : healthOf(state),
    credentials: kind,
    token_endpoint: endpoint ?? null,
    has_cached_token: hasToken,
    token_valid: hasToken && (expiresAtMs === undefined || expiresAtMs > nowMs),
    ...expiryFacts(expiresAtMs, nowMs),
    last_request: outcomeFacts(state?.lastRequest),
  };
}

function outcomeFacts(outcome: LastOutcome | undefined): Record<string, unknown> | null {
  if (outcome === undefined) return null;
  const { atMs, storeStatus, error } = outcome;
  return {
    at: new Date(atMs).toISOString(),
    store_status: storeStatus ?? null,
    error: error === undefined ? null : {
      error_code: error.code,
      message: error.message,
      troubleshooting: error.troubleshooting,
    },
  };
}

function expiryFacts(expiresAtMs: number | undefined, nowMs: number): Record<string, unknown> {
  if (expiresAtMs === undefined) return {};
  return {
    token_expires_at: new Date(expiresAtMs).toISOString(),
    token_expires_in_seconds: Math.max(0, Math.round((expiresAtMs - nowMs) / 1000)),
  };
}
