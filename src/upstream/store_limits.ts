/**
 * How many requests a store gets at once: all together, and of those with a body, which go on for as
 * long as clients like and so never get all places where there are more than one.
 *
 * @module
 */
import type { ServerConfig } from "../config/gateway_config.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { ConcurrencyLimit } from "./concurrency_limit.ts";

/** What the limits of a store are made of. */
export interface StoreLimitsOptions {
  readonly config: Pick<ServerConfig, "name" | "storeResilience">;
  /** Where they are told. */
  readonly metrics?: Metrics | undefined;
  /** How many workers share what the store may get; 1 unless given. */
  readonly workers?: number;
}

/** How many of the places at a store requests with a body may have; the others are left for the rest. */
const UPLOADS_SHARE = 3 / 4;

/**
 * Makes the limits of a store, and has the metrics tell of them.
 *
 * @param options What they are made of.
 * @returns The limit of all requests, and that of requests with a body, which is entered first.
 */
export function storeLimits(
  { config, metrics, workers = 1 }: StoreLimitsOptions,
): [all: ConcurrencyLimit, uploads: ConcurrencyLimit] {
  const { name: server, storeResilience: { maxConcurrent, maxQueued, queueMs } } = config;
  const limits = {
    server,
    maxConcurrent: Math.max(1, Math.floor(maxConcurrent / workers)),
    maxQueued: Math.ceil(maxQueued / workers),
    queueMs,
    onReject: () => metrics?.storeRequestsRejected.inc({ server }),
  };
  const all = new ConcurrencyLimit(limits);
  const uploads = new ConcurrencyLimit({
    ...limits,
    maxConcurrent: Math.max(1, Math.floor(limits.maxConcurrent * UPLOADS_SHARE)),
    what: "requests with a body",
  });
  metrics?.beforeRead.add(() => {
    metrics.storeRequestsInFlight.set({ server }, all.inFlight);
    metrics.storeRequestsQueued.set({ server }, all.queued + uploads.queued);
  });
  return [all, uploads];
}
