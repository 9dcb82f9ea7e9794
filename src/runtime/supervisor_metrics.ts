/**
 * The metrics of the supervisor. It serves no requests: its metrics are added to those of the workers
 * when a worker serves them.
 */
import { Counter, Gauge, Registry } from "prom-client";
import { FAULT_KINDS } from "../telemetry/faults.ts";
import { lostLogLines } from "../telemetry/logging.ts";
import { METRIC_PREFIX } from "../telemetry/metrics.ts";

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
  readonly faults: Gauge<"kind">;
  readonly logLosses: Counter;
}

/** Registers the metrics, each with its initial value. */
export function createSupervisorMetrics(): SupervisorMetrics {
  const registry = new Registry();
  const named = (name: string, help: string) => ({
    name: `${METRIC_PREFIX}${name}`,
    help,
    registers: [registry],
  });
  const reloads = new Counter({
    ...named("config_reloads_total", "Reloads of the configuration by outcome (success, failure)"),
    labelNames: ["outcome"],
  });
  for (const outcome of ["success", "failure"]) reloads.inc({ outcome }, 0);
  const lastReloadSuccessful = new Gauge(named(
    "config_last_reload_successful",
    "Whether the last reload succeeded: 1 or 0; 1 before the first",
  ));
  lastReloadSuccessful.set(1);
  const configLoadedAt = new Gauge(named(
    "config_loaded_timestamp_seconds",
    "When the configuration in use was loaded, in seconds since the epoch",
  ));
  configLoadedAt.setToCurrentTime();
  return {
    registry,
    workerCrashes: new Counter(
      named("worker_crashes_total", "Worker crashes; each worker is restarted"),
    ),
    reloads,
    lastReloadSuccessful,
    configLoadedAt,
    certificateExpiry: new Gauge({
      ...named(
        "certificate_expiry_timestamp_seconds",
        "When a certificate of the gateway expires, in seconds since the epoch, by use (listener, client, assertion)",
      ),
      labelNames: ["use", "server"],
    }),
    auditRecords: new Counter(named("audit_records_total", "Records written to the audit trail")),
    auditLosses: new Counter(
      named("audit_events_lost_total", "Audit events lost because no record could be written"),
    ),
    auditFailing: new Gauge(
      named("audit_trail_failing", "Whether writing the audit trail fails: 1 or 0"),
    ),
    faults: new Gauge({
      ...named(
        "gateway_fault",
        `Whether the gateway has a fault of its own, as on the status page: 1 or 0, by kind (${
          FAULT_KINDS.join(", ")
        })`,
      ),
      labelNames: ["kind"],
    }),
    logLosses: new Counter({
      ...named(
        "log_lines_lost_total",
        "Log lines discarded because standard error was not read in time",
      ),
      collect() {
        this.reset();
        this.inc(lostLogLines());
      },
    }),
  };
}
