/**
 * Concurrency limits of a store: one for all requests, and lower ones for those that go on for as long
 * as clients like, uploads and WebSockets, so that these cannot keep searches and retrievals out.
 *
 * @module
 */
import type { ServerConfig } from "../config/keys/server.ts";
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

/** Share of the places that requests with a body and WebSockets may have together. */
const UPLOADS_SHARE = 3 / 4;
/** Share of the places that WebSockets may have: uploads always find some free. */
const SOCKETS_SHARE = 1 / 4;

/**
 * Makes the limits of a store, and has the metrics tell of them.
 *
 * @returns The limit of all requests; that of requests with a body, which is entered before it; and that
 * of WebSockets, which is entered before both.
 */
export function storeLimits(
  { config, metrics, workers = 1 }: StoreLimitsOptions,
): [all: ConcurrencyLimit, uploads: ConcurrencyLimit, sockets: ConcurrencyLimit] {
  const { name: server, storeResilience: { maxConcurrent, maxQueued, queueMs } } = config;
  const limits = {
    server,
    maxConcurrent: Math.max(1, Math.floor(maxConcurrent / workers)),
    maxQueued: Math.ceil(maxQueued / workers),
    queueMs,
    onReject: () => metrics?.storeRequestsRejected.inc({ server }),
  };
  const all = new ConcurrencyLimit(limits);
  const partOf = (share: number, what: string) =>
    new ConcurrencyLimit({
      ...limits,
      maxConcurrent: Math.max(1, Math.floor(limits.maxConcurrent * share)),
      what,
    });
  const uploads = partOf(UPLOADS_SHARE, "requests with a body or WebSockets");
  const sockets = partOf(SOCKETS_SHARE, "WebSockets");
  metrics?.beforeRead.add(() => {
    metrics.storeRequestsInFlight.set({ server }, all.inFlight);
    metrics.storeRequestsQueued.set({ server }, all.queued + uploads.queued + sockets.queued);
  });
  return [all, uploads, sockets];
}
