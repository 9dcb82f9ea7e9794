/**
 * What the supervisor and its workers say to each other. All of it is plain data.
 *
 * @module
 */
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { PostedConfig } from "../config/posted_config.ts";
import type { WorkerReports, WorkerState } from "../gateway/account/gateway_state.ts";

/** Metrics of one worker, as prom-client writes them in JSON. */
export type MetricsJson = MetricObjectWithValues<MetricValue<string>>[];

/** Memory that all workers of a gateway share; each a table of its own, so that none crowds another. */
export interface QuotaMemory {
  /** Failed attempts to show who one is. */
  readonly failures: SharedArrayBuffer;
  /** Requests. */
  readonly requests: SharedArrayBuffer;
}

/** From the supervisor to a worker. */
export type ToWorker =
  | {
    readonly type: "start";
    readonly config: PostedConfig;
    /** The port to listen on, chosen by the supervisor where the configuration says 0. */
    readonly port: number;
    /** Whether others may listen on the same port: more workers, and those of the next configuration. */
    readonly sharePort: boolean;
    readonly version: string;
    /** What clients have used of their quotas, shared by all workers. */
    readonly quotas: QuotaMemory;
    /** Tells whether the audit trail can be written, where there is one. */
    readonly auditHealth: SharedArrayBuffer | undefined;
    /** The key of the forms of the status page, the same for all workers. */
    readonly formKey: string;
  }
  | { readonly type: "drain"; readonly timeoutMs: number }
  | { readonly type: "forget token"; readonly server: string; readonly revocation: string }
  | { readonly type: "tell metrics"; readonly id: number }
  | { readonly type: "all metrics"; readonly id: number; readonly text: string }
  | { readonly type: "tell state"; readonly id: number }
  | { readonly type: "all states"; readonly id: number; readonly told: WorkerReports };

/** From a worker to the supervisor. */
export type FromWorker =
  | { readonly type: "listening" }
  /** A line for the log, with its end. */
  | { readonly type: "log"; readonly line: string }
  | { readonly type: "failed"; readonly message: string }
  /** The last that it says, with what it has counted. */
  | { readonly type: "drained"; readonly cutOff: boolean; readonly metrics: MetricsJson }
  /** Nothing caught an error, so that nobody knows what state the worker is in. */
  | { readonly type: "crashed"; readonly message: string }
  | { readonly type: "metrics"; readonly id: number; readonly metrics: MetricsJson }
  | { readonly type: "revoked"; readonly server: string; readonly revocation: string }
  /** What happened, for the audit trail: JSON texts. */
  | { readonly type: "audit"; readonly events: readonly string[] }
  | { readonly type: "ask all metrics"; readonly id: number }
  | { readonly type: "state"; readonly id: number; readonly state: WorkerState }
  | { readonly type: "ask all states"; readonly id: number };
