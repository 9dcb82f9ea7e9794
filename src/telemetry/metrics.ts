/**
 * The gateway's metrics, under the names of the plugin that it replaces. Labels come from bounded
 * sets: configured server names, catalogue codes, never a client's text.
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { catalogue, type ErrorCode } from "../errors/catalogue.ts";
import { DurationHistogram } from "./duration_histogram.ts";

/** Of every metric, as in the plugin. */
export const METRIC_PREFIX = "dicomweb_oauth_";

/** The labels by which `@hono/prometheus` counts requests. */
export type RequestLabel = "method" | "status" | "ok" | "route" | "endpoint";

/** Counters of each server, with name and description. */
const SERVER_COUNTERS = {
  cacheHits: ["cache_hits_total", "Requests signed with a cached token"],
  cacheMisses: ["cache_misses_total", "Requests that had to wait for a token"],
  circuitBreakerRejections: [
    "circuit_breaker_rejections_total",
    "Token requests not sent because the circuit breaker was open",
  ],
  retryAttempts: ["retry_attempts_total", "Retries of token requests"],
  storeRetries: [
    "store_retries_total",
    "Retries of requests to the store, batches of uploads included",
  ],
  storeCircuitBreakerRejections: [
    "store_circuit_breaker_rejections_total",
    "Requests not sent to the store because its circuit breaker was open",
  ],
  storeRequestsRejected: [
    "store_requests_rejected_total",
    "Client requests rejected by the store's concurrency limit",
  ],
  uploadBatchesStreamed: [
    "upload_batches_streamed_total",
    "Batches of uploads sent as they arrived, because neither memory nor disk had room to hold them",
  ],
  memoryAnswers: [
    "memory_answers_total",
    "Client requests answered from memory, without a request of their own to the store",
  ],
  readAheadRequests: ["read_ahead_requests_total", "Requests to the store to read ahead"],
  readAheadUnusedBytes: [
    "read_ahead_unused_bytes_total",
    "Bytes that were read ahead and removed from memory before a client requested them",
  ],
} as const satisfies Record<string, readonly [name: string, help: string]>;

type ServerCounters = Readonly<Record<keyof typeof SERVER_COUNTERS, Counter<"server">>>;

export interface Metrics extends ServerCounters {
  readonly registry: Registry;
  readonly tokenAcquisitions: Counter<"server" | "status">;
  readonly tokenAcquisitionDuration: Histogram<"server">;
  readonly tokenExpiry: Gauge<"server">;
  readonly cacheErrors: Counter<"operation">;
  readonly circuitBreakerState: Gauge<"server">;
  readonly storeCircuitBreakerState: Gauge<"server">;
  readonly storeRequestsInFlight: Gauge<"server">;
  readonly storeRequestsQueued: Gauge<"server">;
  readonly uploadBatchesInFlight: Gauge<"server">;
  readonly uploadBatchesQueued: Gauge<"server">;
  readonly uploadHeldBytes: Gauge<"place">;
  /** Called before metrics are read, for values that are cheaper to look up than to keep current. */
  readonly beforeRead: Set<() => void>;
  readonly errors: Counter<"server" | "error_code" | "category">;
  readonly requestDuration: DurationHistogram<RequestLabel>;
  readonly transferDuration: DurationHistogram<"server" | "outcome">;
}

/** Labels of `cacheErrors`. */
const CACHE_OPERATIONS = ["get", "set", "delete", "lease", "generation", "probe", "decrypt"];

/** Codes with alerts, by whether they are counted for a server or before one is known. */
const WATCHED_CODES = {
  ofServers: ["NET-001", "NET-002", "NET-003"],
  ofClients: ["AUTH-005", "AUTH-006"],
} as const satisfies Record<string, readonly ErrorCode[]>;

/**
 * Starts the counters with alerts at zero: Prometheus sees no increase in a counter that starts at 1,
 * and an alert would miss the first failure.
 */
export function beginAtZero(metrics: Metrics, servers: Iterable<string>): void {
  const { errors } = metrics;
  const serverCounters = Object.keys(SERVER_COUNTERS) as (keyof ServerCounters)[];
  const begin = (server: string, error_code: ErrorCode) =>
    errors.inc({ server, error_code, category: catalogue[error_code].category }, 0);
  for (const operation of CACHE_OPERATIONS) metrics.cacheErrors.inc({ operation }, 0);
  for (const code of WATCHED_CODES.ofClients) begin("", code);
  for (const server of servers) {
    for (const code of WATCHED_CODES.ofServers) begin(server, code);
    for (const status of ["success", "failure"]) {
      metrics.tokenAcquisitions.inc({ server, status }, 0);
    }
    for (const counter of serverCounters) metrics[counter].inc({ server }, 0);
    metrics.transferDuration.labels(server, "broken");
  }
}

/** Creates a registry with all metrics of the gateway. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const beforeRead = new Set<() => void>();
  const collect = () => beforeRead.forEach((set) => set());
  const ofServer = (name: string, help: string) =>
    ({ name: `${METRIC_PREFIX}${name}`, help, labelNames: ["server"], registers }) as const;
  const counters = Object.entries(SERVER_COUNTERS)
    .map(([key, [name, help]]) => [key, new Counter(ofServer(name, help))]);
  return {
    ...Object.fromEntries(counters) as ServerCounters,
    registry,
    tokenAcquisitions: new Counter({
      name: `${METRIC_PREFIX}token_acquisitions_total`,
      help: "Token requests by outcome (success, failure)",
      labelNames: ["server", "status"],
      registers,
    }),
    tokenAcquisitionDuration: new Histogram({
      ...ofServer("token_acquisition_duration_seconds", "Duration of token requests in seconds"),
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    }),
    tokenExpiry: new Gauge({
      ...ofServer(
        "token_expiry_timestamp_seconds",
        "Expiry of the cached token (in the past if it could not be renewed), in seconds since the epoch; the latest of all workers",
      ),
      aggregator: "max",
      // Metrics are read in the order of their creation.
      collect,
    }),
    cacheErrors: new Counter({
      name: `${METRIC_PREFIX}cache_errors_total`,
      help: `Failed operations on the shared token cache (${CACHE_OPERATIONS.join(", ")})`,
      labelNames: ["operation"],
      registers,
    }),
    circuitBreakerState: new Gauge({
      ...ofServer(
        "circuit_breaker_state",
        "Circuit breaker of the token endpoint: 0 closed, 1 open, 2 half-open",
      ),
      aggregator: "max",
    }),
    storeCircuitBreakerState: new Gauge({
      ...ofServer(
        "store_circuit_breaker_state",
        "Circuit breaker of the store: 0 closed, 1 open, 2 half-open; the highest of all workers",
      ),
      aggregator: "max",
    }),
    storeRequestsInFlight: new Gauge({
      ...ofServer(
        "store_requests_in_flight",
        "Client requests in progress at the store, up to the last byte of the response",
      ),
      collect,
    }),
    storeRequestsQueued: new Gauge(ofServer(
      "store_requests_queued",
      "Client requests in the queue of the store's concurrency limit",
    )),
    uploadBatchesInFlight: new Gauge(ofServer(
      "upload_batches_in_flight",
      "Batches of uploads in progress at the store",
    )),
    uploadBatchesQueued: new Gauge(ofServer(
      "upload_batches_queued",
      "Complete batches of uploads that wait for a connection (`StoreConcurrency`)",
    )),
    uploadHeldBytes: new Gauge({
      name: `${METRIC_PREFIX}upload_held_bytes`,
      help: "Bytes of uploads held until the store has answered, by place (memory, disk)",
      labelNames: ["place"],
      registers,
    }),
    beforeRead,
    errors: new Counter({
      name: `${METRIC_PREFIX}errors_total`,
      help: "Failures by code of the error catalogue",
      labelNames: ["server", "error_code", "category"],
      registers,
    }),
    requestDuration: new DurationHistogram({
      name: `${METRIC_PREFIX}http_request_duration_seconds`,
      help: "Duration of HTTP requests in seconds",
      labelNames: ["method", "status", "ok", "route", "endpoint"],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
      registry,
    }),
    transferDuration: new DurationHistogram({
      name: `${METRIC_PREFIX}transfer_duration_seconds`,
      help:
        "Time from a request's arrival to the end of the response body in seconds, by outcome (complete, broken, or passed_on: of known length, not observed to its end)",
      labelNames: ["server", "outcome"],
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800],
      registry,
    }),
  };
}
