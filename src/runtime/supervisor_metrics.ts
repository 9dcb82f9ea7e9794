/**
 * What the supervisor itself counts. It serves no requests: its numbers join those of the workers
 * whenever one of them is asked for metrics.
 *
 * @module
 */
import { Counter, Gauge, Registry } from "prom-client";
import { lostLogLines } from "../telemetry/logging.ts";
import { METRIC_PREFIX } from "../telemetry/metrics.ts";

/** The supervisor's metrics. */
export interface SupervisorMetrics {
  readonly registry: Registry;
  readonly workerCrashes: Counter;
  readonly reloads: Counter<"outcome">;
  readonly lastReloadSuccessful: Gauge;
  readonly configLoadedAt: Gauge;
  readonly certificateExpiry: Gauge<"use" | "server">;
  readonly auditRecords: Counter;
  readonly auditLosses: Counter;
  readonly auditFailing: Gauge;
  readonly logLosses: Counter;
}

/** Makes the supervisor's metrics. */
export function createSupervisorMetrics(): SupervisorMetrics {
  const registry = new Registry();
  const registers = [registry];
  const reloads = new Counter({
    name: `${METRIC_PREFIX}config_reloads_total`,
    help: "Reloads of the configuration by outcome (success, failure)",
    labelNames: ["outcome"],
    registers,
  });
  for (const outcome of ["success", "failure"]) reloads.inc({ outcome }, 0);
  const lastReloadSuccessful = new Gauge({
    name: `${METRIC_PREFIX}config_last_reload_successful`,
    help: "Whether the last reload succeeded: 1 or 0; 1 before the first",
    registers,
  });
  lastReloadSuccessful.set(1);
  const configLoadedAt = new Gauge({
    name: `${METRIC_PREFIX}config_loaded_timestamp_seconds`,
    help: "When the configuration in use was loaded, in seconds since the epoch",
    registers,
  });
  configLoadedAt.setToCurrentTime();
  return {
    registry,
    workerCrashes: new Counter({
      name: `${METRIC_PREFIX}worker_crashes_total`,
      help: "Worker crashes; each worker is restarted",
      registers,
    }),
    reloads,
    lastReloadSuccessful,
    configLoadedAt,
    certificateExpiry: new Gauge({
      name: `${METRIC_PREFIX}certificate_expiry_timestamp_seconds`,
      help:
        "When a certificate of the gateway expires, in seconds since the epoch, by use (listener, client, assertion)",
      labelNames: ["use", "server"],
      registers,
    }),
    auditRecords: new Counter({
      name: `${METRIC_PREFIX}audit_records_total`,
      help: "Records written to the audit trail",
      registers,
    }),
    logLosses: new Counter({
      name: `${METRIC_PREFIX}log_lines_lost_total`,
      help: "Log lines discarded because standard error was not read in time",
      registers,
      collect() {
        this.reset();
        this.inc(lostLogLines());
      },
    }),
    auditFailing: new Gauge({
      name: `${METRIC_PREFIX}audit_trail_failing`,
      help: "Whether writing the audit trail fails: 1 or 0",
      registers,
    }),
    auditLosses: new Counter({
      name: `${METRIC_PREFIX}audit_events_lost_total`,
      help: "Audit events lost because no record could be written",
      registers,
    }),
  };
}
