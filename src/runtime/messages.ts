/**
 * The messages between the supervisor and its workers. All of them are plain data.
 */
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { PostedConfig } from "../config/posted_config.ts";
import type { DocumentContent } from "./documents.ts";
import type { WorkerReports, WorkerState } from "../gateway/account/gateway_state.ts";

/** Metrics of one worker, in prom-client's JSON. */
export type MetricsJson = MetricObjectWithValues<MetricValue<string>>[];

/** What all workers of a gateway share, including those of later configurations. */
export interface SharedByWorkers {
  readonly version: string;
  /** The quotas that clients have used; two tables, so that none displaces entries of the other. */
  readonly quotas: {
    /** Failed authentications. */
    readonly failures: SharedArrayBuffer;
    readonly requests: SharedArrayBuffer;
  };
  /** The key that signs the forms of the status page. */
  readonly formKey: string;
}

export interface StartMessage extends SharedByWorkers {
  readonly type: "start";
  readonly config: PostedConfig;
  /** The port to listen on; chosen by the supervisor if the configuration says 0. */
  readonly port: number;
  /** Whether other workers, also those of the next configuration, may listen on the same port. */
  readonly sharePort: boolean;
  /** Whether the audit trail can be written; undefined without audit trail. */
  readonly auditHealth: SharedArrayBuffer | undefined;
}

/** From the supervisor to a worker. */
export type ToWorker =
  | StartMessage
  | { readonly type: "drain"; readonly timeoutMs: number }
  | { readonly type: "forget token"; readonly server: string; readonly revocation: string }
  | { readonly type: "get metrics"; readonly id: number }
  | { readonly type: "all metrics"; readonly id: number; readonly text: string }
  | { readonly type: "get state"; readonly id: number }
  | { readonly type: "all states"; readonly id: number; readonly reports: WorkerReports }
  | { readonly type: "document"; readonly id: number; readonly content: DocumentContent };

/** From a worker to the supervisor. */
export type FromWorker =
  | { readonly type: "listening" }
  /** A log line, with its line end. */
  | { readonly type: "log"; readonly line: string }
  | { readonly type: "failed"; readonly message: string }
  /** The last message of a worker, with its final counts. */
  | { readonly type: "drained"; readonly cutOff: boolean; readonly metrics: MetricsJson }
  /** An uncaught error left the worker in an unknown state. */
  | { readonly type: "crashed"; readonly message: string }
  | { readonly type: "metrics"; readonly id: number; readonly metrics: MetricsJson }
  | { readonly type: "revoked"; readonly server: string; readonly revocation: string }
  /** Events for the audit trail, as JSON texts. */
  | { readonly type: "audit"; readonly events: readonly string[] }
  | { readonly type: "get all metrics"; readonly id: number }
  | { readonly type: "state"; readonly id: number; readonly state: WorkerState }
  | { readonly type: "get all states"; readonly id: number }
  /** Asks for a file below `docs/`. */
  | { readonly type: "get document"; readonly id: number; readonly path: string };
