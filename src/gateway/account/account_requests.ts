/**
 * The accounting step: one account of each request, for metrics, audit trail, activity and log. Rejects
 * requests while no audit record can be written, if the configuration says so.
 */
import { prometheus } from "@hono/prometheus";
import type { Context, MiddlewareHandler } from "hono";
import { GatewayError } from "../../errors/gateway_error.ts";
import { METRIC_PREFIX } from "../../telemetry/metrics.ts";
import type { GatewayEnv } from "../gateway_env.ts";
import { type AccountOptions, RequestAccount } from "./request_account.ts";

/** Without `route`: Hono's own is `*` for all, as requests are dispatched by their destination. */
const OWN_LABELS = { labelNames: ["method", "status", "ok"] };

export function accountRequests(options: AccountOptions): MiddlewareHandler<GatewayEnv> {
  const { registerMetrics: count } = prometheus({
    registry: options.metrics.registry,
    prefix: METRIC_PREFIX,
    metricOptions: {
      requestsTotal: { ...OWN_LABELS, customLabels: { route: routeOf, endpoint: routeOf } },
      // Its clock and its labels cost more than all other bookkeeping of a request.
      requestDuration: { disabled: true },
    },
  });
  return async function accountRequest(c, next) {
    const account = new RequestAccount(c, options);
    c.set("account", account);
    await count(c, next);
    account.answered();
  };
}

/** Rejects requests of which no record can be written. */
export function refuseUnrecordable(): MiddlewareHandler<GatewayEnv> {
  return function refuseUnrecordableRequest(c, next) {
    if (!c.get("account").isUnrecordable) return next();
    throw new GatewayError("INT-004", "Request rejected: it cannot be recorded in the audit trail");
  };
}

function routeOf(c: Context<GatewayEnv>): string {
  return c.get("destination").route;
}
