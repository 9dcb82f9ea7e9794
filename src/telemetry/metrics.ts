/**
 * The gateway's own metrics, under the names of the plugin it replaces. Labels come from bounded
 * sets: configured server names, catalogue codes, never anything a client sent.
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { catalogue, type ErrorCode } from "../errors/catalogue.ts";
import { DurationHistogram } from "./duration_histogram.ts";

/** Prefix of every metric, the plugin's. */
export const METRIC_PREFIX = "dicomweb_oauth_";

/** What tells requests apart: the labels that `@hono/prometheus` counts them by. */
export type RequestLabel = "method" | "status" | "ok" | "route" | "endpoint";

/** The registry with the metrics that rooms count in. */
export interface Metrics {
  readonly registry: Registry;
  readonly tokenAcquisitions: Counter<"server" | "status">;
  readonly tokenAcquisitionDuration: Histogram<"server">;
  readonly tokenExpiry: Gauge<"server">;
  readonly cacheHits: Counter<"server">;
  readonly cacheMisses: Counter<"server">;
  readonly cacheErrors: Counter<"operation">;
  readonly circuitBreakerState: Gauge<"server">;
  readonly circuitBreakerRejections: Counter<"server">;
  readonly retryAttempts: Counter<"server">;
  readonly storeRetries: Counter<"server">;
  readonly storeCircuitBreakerState: Gauge<"server">;
  readonly storeCircuitBreakerRejections: Counter<"server">;
  readonly storeRequestsInFlight: Gauge<"server">;
  readonly storeRequestsQueued: Gauge<"server">;
  readonly storeRequestsRejected: Counter<"server">;
  /** Called before the metrics are read, to set what is cheaper looked up than kept up to date. */
  readonly beforeRead: Set<() => void>;
  readonly errors: Counter<"server" | "error_code" | "category">;
  readonly requestDuration: DurationHistogram<RequestLabel>;
  readonly transferDuration: DurationHistogram<"server" | "outcome">;
}

/** Operations of the token cache, as `cacheErrors` counts them. */
const CACHE_OPERATIONS = ["get", "set", "delete", "lease", "generation", "ping", "decrypt"];

/** Codes that an alert watches: those of a server, and those that are told before it is known. */
const WATCHED_CODES = {
  ofServers: ["NET-001", "NET-002", "NET-003"],
  ofClients: ["AUTH-005", "AUTH-006"],
} as const satisfies Record<string, readonly ErrorCode[]>;

/**
 * Lets what alerts watch begin at zero: Prometheus sees no increase in a counter that begins at 1, and
 * an alert would miss the first failure.
 */
export function beginAtZero(metrics: Metrics, servers: Iterable<string>): void {
  const { errors } = metrics;
  const begin = (server: string, error_code: ErrorCode) =>
    errors.inc({ server, error_code, category: catalogue[error_code].category }, 0);
  for (const operation of CACHE_OPERATIONS) metrics.cacheErrors.inc({ operation }, 0);
  for (const code of WATCHED_CODES.ofClients) begin("", code);
  for (const server of servers) {
    for (const code of WATCHED_CODES.ofServers) begin(server, code);
    for (const status of ["success", "failure"]) {
      metrics.tokenAcquisitions.inc({ server, status }, 0);
    }
    for (
      const counter of [
        metrics.cacheHits,
        metrics.cacheMisses,
        metrics.circuitBreakerRejections,
        metrics.retryAttempts,
        metrics.storeRetries,
        metrics.storeCircuitBreakerRejections,
        metrics.storeRequestsRejected,
      ]
    ) counter.inc({ server }, 0);
    metrics.transferDuration.labels(server, "broken");
  }
}

/** Makes a registry with all metrics of the gateway. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const beforeRead = new Set<() => void>();
  const update = () => beforeRead.forEach((set) => set());
  return {
    registry,
    tokenAcquisitions: new Counter({
      name: `${METRIC_PREFIX}token_acquisitions_total`,
      help: "Token requests by outcome (success, failure)",
      labelNames: ["server", "status"],
      registers,
    }),
    tokenAcquisitionDuration: new Histogram({
      name: `${METRIC_PREFIX}token_acquisition_duration_seconds`,
      help: "Duration of token requests in seconds",
      labelNames: ["server"],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    tokenExpiry: new Gauge({
      name: `${METRIC_PREFIX}token_expiry_timestamp_seconds`,
      help:
        "Expiry of the cached token (in the past if it could not be renewed), in seconds since the epoch; the latest of all workers",
      labelNames: ["server"],
      aggregator: "max",
      registers,
      // Metrics are read in the order in which they are made, each with what it holds by then.
      collect: update,
    }),
    cacheHits: new Counter({
      name: `${METRIC_PREFIX}cache_hits_total`,
      help: "Requests signed with a cached token",
      labelNames: ["server"],
      registers,
    }),
    cacheMisses: new Counter({
      name: `${METRIC_PREFIX}cache_misses_total`,
      help: "Requests that had to wait for a token",
      labelNames: ["server"],
      registers,
    }),
    cacheErrors: new Counter({
      name: `${METRIC_PREFIX}cache_errors_total`,
      help: `Failed operations on the shared token cache (${CACHE_OPERATIONS.join(", ")})`,
      labelNames: ["operation"],
      registers,
    }),
    circuitBreakerState: new Gauge({
      name: `${METRIC_PREFIX}circuit_breaker_state`,
      help: "Circuit breaker of the token endpoint: 0 closed, 1 open, 2 half-open",
      labelNames: ["server"],
      aggregator: "max",
      registers,
    }),
    circuitBreakerRejections: new Counter({
      name: `${METRIC_PREFIX}circuit_breaker_rejections_total`,
      help: "Token requests not sent because the circuit breaker was open",
      labelNames: ["server"],
      registers,
    }),
    retryAttempts: new Counter({
      name: `${METRIC_PREFIX}retry_attempts_total`,
      help: "Retries of token requests",
      labelNames: ["server"],
      registers,
    }),
    storeRetries: new Counter({
      name: `${METRIC_PREFIX}store_retries_total`,
      help: "Retries of requests to the store",
      labelNames: ["server"],
      registers,
    }),
    storeCircuitBreakerState: new Gauge({
      name: `${METRIC_PREFIX}store_circuit_breaker_state`,
      help:
        "Circuit breaker of the store: 0 closed, 1 open, 2 half-open; the highest of all workers",
      labelNames: ["server"],
      aggregator: "max",
      registers,
    }),
    storeCircuitBreakerRejections: new Counter({
      name: `${METRIC_PREFIX}store_circuit_breaker_rejections_total`,
      help: "Requests not sent to the store because its circuit breaker was open",
      labelNames: ["server"],
      registers,
    }),
    storeRequestsInFlight: new Gauge({
      name: `${METRIC_PREFIX}store_requests_in_flight`,
      help: "Client requests in progress at the store, up to the last byte of the response",
      labelNames: ["server"],
      registers,
      collect: update,
    }),
    storeRequestsQueued: new Gauge({
      name: `${METRIC_PREFIX}store_requests_queued`,
      help: "Client requests in the queue of the store's concurrency limit",
      labelNames: ["server"],
      registers,
    }),
    storeRequestsRejected: new Counter({
      name: `${METRIC_PREFIX}store_requests_rejected_total`,
      help: "Client requests rejected by the store's concurrency limit",
      labelNames: ["server"],
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
