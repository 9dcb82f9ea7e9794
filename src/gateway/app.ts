/**
 * The gateway as one Hono app: what happens to a request, in order.
 *
 * @module
 */
import { prometheus } from "@hono/prometheus";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { CorsConfig } from "../config/keys/cors.ts";
import { isOfClientsBody } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Logger } from "../telemetry/logger.ts";
import { METRIC_PREFIX, type Metrics } from "../telemetry/metrics.ts";
import type { AccessRules } from "./access_rules.ts";
import { auditRequests, type AuditRequestsOptions } from "./audit_requests.ts";
import { type AnswerEnd, CLIENT_LEFT, onAnswerEnd } from "./answer_end.ts";
import { Activity } from "./activity.ts";
import { answerPage } from "./answer_page.ts";
import { authenticate } from "./authenticate.ts";
import type { Authenticator } from "./authenticator.ts";
import type { ClientAddress } from "./client_address.ts";
import { allowBrowsers, refuseForeignWebSockets } from "./cors.ts";
import { closeAfterAmbiguousFraming } from "./close_ambiguous.ts";
import { delayRefusals } from "./delay_refusals.ts";
import { setDestination } from "./destination.ts";
import { refuseForeignPages } from "./foreign_pages.ts";
import { FormSeal } from "./form_seal.ts";
import { forwardToStore } from "./forward_to_store.ts";
import type { GatewayEnv, PageParts } from "./gateway_env.ts";
import { type ToldStates, workerState } from "./gateway_state.ts";
import { refuseForeignHosts } from "./host_guard.ts";
import { identifyRequests } from "./request_id.ts";
import { limitRate, type RateLimitOptions } from "./limit_rate.ts";
import { permitPages } from "./permit_pages.ts";
import type { PublicAddress } from "./public_address.ts";
import { asGatewayError, problemResponse } from "./problem.ts";
import { type RevocationOptions, TokenRevocation } from "./token_revocation.ts";

/** The collaborators of the gateway. */
export interface GatewayOptions
  extends
    RevocationOptions,
    Pick<PageParts, "stores" | "version" | "checkReadiness" | "metricsText"> {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The URL at which clients reach the gateway. */
  readonly address: PublicAddress;
  /** The web pages that may use the gateway from a browser. */
  readonly cors?: CorsConfig | undefined;
  /** Finds out who clients are; without it nobody is asked. */
  readonly authenticator?: Pick<Authenticator, "identify"> | undefined;
  /** Finds out where clients are. */
  readonly clientAddress: ClientAddress;
  /** Decides who may do what; everyone everything unless given. */
  readonly access?: AccessRules | undefined;
  /** How many requests clients may send; any number unless given. */
  readonly rateLimit?: RateLimitOptions | undefined;
  /** Records who did what; nothing does unless given. */
  readonly audit?: Omit<AuditRequestsOptions, "now" | "servers"> | undefined;
  /** The host names by which a gateway that asks nobody may be called; any unless given. */
  readonly knownHosts?: ReadonlySet<string> | undefined;
  /** The public keys to publish. */
  readonly publicKeys?: PageParts["publicKeys"] | undefined;
  /** Keeps account of this worker's traffic; one of its own unless given. */
  readonly activity?: Activity;
  /** Revokes tokens, and knows when other workers did; one of its own unless given. */
  readonly revocation?: TokenRevocation;
  /** What all workers tell of themselves; this one alone unless given. */
  readonly states?: () => Promise<ToldStates>;
  /** The key of the forms of the status page, shared by all workers; one of its own unless given. */
  readonly formKey?: string;
}

/**
 * Puts the gateway together.
 *
 * @param options What it is made of.
 * @returns The app; its `fetch` takes a request and an object with `completed`.
 */
export function createApp(options: GatewayOptions): Hono<GatewayEnv> {
  const { metrics, logger } = options;
  const app = new Hono<GatewayEnv>();
  app.use(setDestination());
  app.use(closeAfterAmbiguousFraming());
  app.use(delayRefusals());
  app.use(identifyRequests());
  app.use(refuseUnknownMethods());
  app.use(countRequests(metrics));
  if (options.audit !== undefined) {
    app.use(auditRequests({ ...options.audit, servers: options.stores, now: options.now }));
  }
  if (options.authenticator === undefined && options.knownHosts !== undefined) {
    app.use(refuseForeignHosts(options.knownHosts));
  }
  app.use(refuseForeignPages(options.cors));
  app.use(refuseForeignWebSockets(options.cors));
  if (options.cors !== undefined) app.use(allowBrowsers(options.cors));
  if (options.authenticator !== undefined) {
    app.use(authenticate(options.authenticator, options.clientAddress));
  }
  if (options.rateLimit !== undefined) app.use(limitRate(options.rateLimit));
  if (options.access !== undefined) app.use(permitPages(options.access));
  const { stores, address, now, activity = new Activity(now) } = options;
  app.use(recordTransfers(metrics, activity, logger));
  const ownState = async () => ({
    states: [await workerState(stores, activity, metrics)],
    silent: 0,
  });
  const parts: PageParts = {
    ...options,
    activity,
    revocation: options.revocation ?? new TokenRevocation(options),
    seal: new FormSeal(options.formKey ?? crypto.randomUUID(), now),
    states: options.states ?? ownState,
    publicKeys: options.publicKeys ?? [],
  };
  const forwarding = { stores, address, activity, access: options.access };
  // By the destination and not by a router of its own, which could read the path in another way.
  app.all("*", (c) => {
    const destination = c.get("destination");
    return destination.kind === "store"
      ? forwardToStore(c, destination, forwarding)
      : answerPage(c, destination, parts);
  });
  app.onError((thrown, c) => {
    // Nobody reads the answer, and nothing has failed.
    if (c.req.raw.signal.aborted) return new Response(null, { status: CLIENT_LEFT });
    const error = asGatewayError(thrown);
    const server = error.server ?? c.get("server") ?? "";
    const { category } = error.entry;
    // A client that fails says nothing of the server, and is not to alarm anyone about it.
    const failed = isOfClientsBody(thrown) ? "" : server;
    metrics.errors.inc({ server: failed, error_code: error.code, category });
    logger[error.status >= 500 ? "error" : "warn"](error.message, {
      error_code: error.code,
      server,
      request_id: c.get("requestId"),
      ...(c.get("address") !== undefined && { client: c.get("address") }),
      ...(error.code === "INT-001" && { cause: String(thrown.stack) }),
    });
    return problemResponse(error, c.get("requestId"));
  });
  return app;
}

/** The methods that DICOMweb, the stores' own APIs and the management API use. */
const METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Refuses other methods before anything is counted: a metric's labels come from bounded sets. */
function refuseUnknownMethods(): MiddlewareHandler<GatewayEnv> {
  return function refuseUnknownMethod(c, next) {
    if (METHODS.includes(c.req.method)) return next();
    const error = new GatewayError("NET-007", "Cannot answer: the gateway has no such method");
    const response = problemResponse(error, c.get("requestId"));
    response.headers.set("allow", METHODS.join(", "));
    return Promise.resolve(response);
  };
}

/** Without `route`: Hono's own is `*` for all, as requests are dispatched by their destination. */
const OWN_LABELS = { labelNames: ["method", "status", "ok"] };

/** Counts and times requests to their answer's headers, with the pattern of their path as `endpoint`. */
function countRequests(metrics: Metrics): MiddlewareHandler<GatewayEnv> {
  const { registerMetrics: count } = prometheus({
    registry: metrics.registry,
    prefix: METRIC_PREFIX,
    metricOptions: {
      requestsTotal: { ...OWN_LABELS, customLabels: { route: routeOf, endpoint: routeOf } },
      // Its clock and its labels cost more than all other bookkeeping of a request.
      requestDuration: { disabled: true },
    },
  });
  return async function countRequest(c, next) {
    const startedMs = performance.now();
    try {
      return await count(c, next);
    } finally {
      const { status, ok } = c.res;
      metrics.requestDuration
        .labels(c.req.method, String(status), String(ok), routeOf(c), routeOf(c))
        .observe((performance.now() - startedMs) / 1000);
    }
  };
}

function routeOf(c: Context<GatewayEnv>): string {
  return c.get("destination").route;
}

/** How answers end, as the metric's label. */
const OUTCOMES = {
  "complete": "complete",
  "broken off": "broken",
  "passed on": "passed_on",
} as const satisfies Record<AnswerEnd, string>;

/** Times exchanges with stores to the end of the answer's body, and remembers how they ended. */
function recordTransfers(
  metrics: Metrics,
  activity: Activity,
  logger: Logger,
): MiddlewareHandler<GatewayEnv> {
  const { outcomes } = activity;
  return async function recordTransfer(c, next) {
    const startedMs = performance.now();
    await next();
    const server = c.get("server");
    // Pages about a server send nothing to its store.
    if (server === undefined || c.get("destination").kind === "page") return;
    const { status } = c.res;
    const transfer = c.get("transfer");
    const tookMs = performance.now() - startedMs;
    const request = c.req.raw;
    const request_id = c.get("requestId");
    const isBroken = isOfClientsBody(c.error);
    if (c.error !== undefined) {
      // A client that has left says nothing of the store.
      if (!request.signal.aborted && !isBroken) {
        const error = asGatewayError(c.error);
        outcomes.failed(server, error);
        if (transfer !== undefined) activity.failed(transfer, error, tookMs);
      }
    } else {
      outcomes.answered(server, status);
      if (transfer !== undefined) activity.answered(transfer, c.res, tookMs);
      // Orthanc's user sees none of these, only that a job failed.
      if (status >= 400) {
        const level = status >= 500 ? "warn" : "info";
        logger[level]("Store refused a request", { server, status, request_id });
      }
    }
    // For the runtime the answer to a handshake has ended when the WebSocket is open.
    const completed = c.get("socketClosed") ?? c.env.completed;
    const answer = { request, completed, response: c.res, passed: transfer };
    onAnswerEnd(answer, (ended) => {
      const end = isBroken ? "broken off" : ended;
      if (end === "broken off" && c.error === undefined) {
        logger.info("An answer broke off: the store or the client ended it", {
          server,
          status,
          request_id,
        });
      }
      metrics.transferDuration.labels(server, OUTCOMES[end])
        .observe((performance.now() - startedMs) / 1000);
      if (transfer !== undefined) activity.end(transfer, end !== "broken off");
    });
  };
}
