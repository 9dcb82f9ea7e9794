/**
 * Concurrency limits of a store: one for all requests, and lower ones for uploads and WebSockets, which
 * last as long as clients like, so that they cannot starve searches and retrievals.
 */
import type { ServerConfig } from "../config/keys/server.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { ConcurrencyLimit } from "./concurrency_limit.ts";

/** Share of requests with a body and WebSockets together. */
const UPLOADS_SHARE = 3 / 4;
/** Share of WebSockets; the rest of the above is always left to uploads. */
const SOCKETS_SHARE = 1 / 4;

export interface StoreLimits {
  readonly all: ConcurrencyLimit;
  /** For requests with a body; entered before `all`. */
  readonly uploads: ConcurrencyLimit;
  /** For WebSockets; entered before `uploads` and `all`. */
  readonly sockets: ConcurrencyLimit;
}

/** Creates the limits of a store and reports them as metrics. */
export function storeLimits(
  { config, metrics, workers = 1 }: {
    readonly config: Pick<ServerConfig, "name" | "storeResilience">;
    readonly metrics?: Metrics | undefined;
    readonly workers?: number;
  },
): StoreLimits {
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
  return { all, uploads, sockets };
}
