/**
 * Keeps the gateway running: starts the sandboxed workers of a configuration, replaces them without a
 * gap at a reload, and drains them at the end. It has the permissions that the workers lack, and
 * handles no request itself.
 */
import { AggregatorRegistry } from "prom-client";
import type { GatewayConfig } from "../config/gateway_config.ts";
import {
  mergeStates,
  type WorkerReports,
  type WorkerState,
} from "../gateway/account/gateway_state.ts";
import { createQuotaMemory } from "../gateway/steps/quota_table.ts";
import { FAULT_KINDS } from "../telemetry/faults.ts";
import type { Logger } from "../telemetry/logger.ts";
import { AuditTrail, happened } from "./audit/audit_trail.ts";
import { CertificateWatch } from "./certificate_watch.ts";
import { type GatewayWorker, WORKER_MODULE } from "./gateway_worker.ts";
import { ListenerWatch } from "./listener_watch.ts";
import type { MetricsJson, SharedByWorkers } from "./messages.ts";
import { reservePort } from "./reserve_port.ts";
import { SupervisorFaults } from "./supervisor_faults.ts";
import { createSupervisorMetrics, type SupervisorMetrics } from "./supervisor_metrics.ts";
import { CAN_SHARE_PORT, WorkerGroup } from "./worker_group.ts";

export interface SupervisorOptions {
  readonly config: GatewayConfig;
  readonly logger: Logger;
  readonly version: string;
  /** Writes to standard output, for an audit trail there. */
  readonly print?: (text: string) => Promise<void>;
  /** URL of the module that the workers run; the gateway's own unless given. */
  readonly workerModule?: string;
  /** The monotonic clock, in milliseconds; the runtime's unless given. */
  readonly now?: () => number;
}

/** How long workers may take to report metrics or state. */
const REPORT_TIMEOUT_MS = 2_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #port: number;
  readonly #metrics: SupervisorMetrics;
  readonly #faults: SupervisorFaults;
  readonly #shared: SharedByWorkers;
  /** Groups of replaced configurations, until their last transfer has ended. */
  readonly #draining = new Set<WorkerGroup>();
  readonly #audit: AuditTrail | undefined;
  /** Counts of ended workers: a counter that decreased would look like new events. */
  #ended: Promise<MetricsJson> = Promise.resolve([]);
  readonly #certificates: CertificateWatch;
  #group: WorkerGroup;
  #watch: ListenerWatch | undefined;
  #stopping = false;

  private constructor(
    options: SupervisorOptions,
    { port, audit, metrics, faults }: {
      readonly port: number;
      readonly audit: AuditTrail | undefined;
      readonly metrics: SupervisorMetrics;
      readonly faults: SupervisorFaults;
    },
  ) {
    this.#options = options;
    this.#port = port;
    this.#audit = audit;
    this.#metrics = metrics;
    this.#faults = faults;
    const { config, logger, version } = options;
    this.#shared = {
      version,
      quotas: { failures: createQuotaMemory(), requests: createQuotaMemory() },
      formKey: crypto.randomUUID(),
    };
    this.#certificates = new CertificateWatch({ expiry: metrics.certificateExpiry, logger });
    this.#certificates.take(config);
    this.#group = this.#groupOf(config);
  }

  /** The URL of the listener, without a trailing slash. */
  get url(): string {
    const { address, tls } = this.#group.config.listen;
    const host = address.includes(":") ? `[${address}]` : address;
    return `${tls === undefined ? "http" : "https"}://${host}:${this.#port}`;
  }

  /**
   * Starts the gateway; resolves when every worker listens.
   *
   * @throws {ConfigError} When the state directory is unusable.
   * @throws {PortInUseError} When the port is already in use.
   * @throws {Error} When a worker cannot start for another reason.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const { config, logger, print = () => Promise.resolve(), version } = options;
    const port = reservePort(config.listen);
    const metrics = createSupervisorMetrics();
    const faults = new SupervisorFaults(Date.now);
    const audit = config.audit &&
      await AuditTrail.open({
        config: config.audit,
        logger,
        print,
        failing: (reason) => {
          metrics.auditFailing.set(Number(reason !== undefined));
          faults.auditTrail(reason, config.audit?.onFailure ?? "warn");
        },
        count: (written, lost) => {
          metrics.auditRecords.inc(written);
          metrics.auditLosses.inc(lost);
          faults.auditRecordsLost(lost);
        },
      });
    const supervisor = new Supervisor(options, { port, audit, metrics, faults });
    try {
      await supervisor.#group.start();
    } catch (error) {
      supervisor.#certificates.close();
      await audit?.close();
      throw error;
    }
    const details = { version, configuration: config.path, workers: config.workers };
    audit?.record([happened("gateway", "started", details)]);
    supervisor.#watchListener();
    return supervisor;
  }

  /**
   * Changes to another configuration: starts its workers, then drains the old ones in the background.
   * After an error the old configuration stays in use.
   *
   * @throws {ConfigError} When the configuration is invalid.
   * @throws {Error} When the change requires a restart, or a worker cannot start.
   */
  async reload(read: () => Promise<GatewayConfig>): Promise<GatewayConfig> {
    let outcome = "failure";
    try {
      const config = await read();
      this.#refuseRestart(config);
      const next = this.#groupOf(config);
      await next.start();
      if (this.#stopping) {
        await next.drain(0);
        throw new Error("The gateway is stopping");
      }
      const old = this.#group;
      this.#group = next;
      this.#certificates.take(config);
      void this.#drainOld(old, config.drainTimeoutMs);
      outcome = "success";
      this.#metrics.configLoadedAt.setToCurrentTime();
      this.#faults.reloaded();
      return config;
    } catch (error) {
      this.#faults.reloadFailed(error);
      throw error;
    } finally {
      this.#metrics.reloads.inc({ outcome });
      this.#metrics.lastReloadSuccessful.set(outcome === "success" ? 1 : 0);
      const event = outcome === "success" ? "configuration changed" : "configuration refused";
      this.#audit?.record([happened("gateway", event)]);
    }
  }

  /** Stops accepting requests and drains. Returns whether all requests finished in time. */
  async stop(timeoutMs: number = this.#group.config.drainTimeoutMs): Promise<boolean> {
    this.#stopping = true;
    this.#certificates.close();
    await this.#watch?.close();
    const finished = await Promise.all(
      [this.#group, ...this.#draining].map((group) => group.drain(timeoutMs)),
    );
    this.#audit?.record([happened("gateway", "stopped")]);
    await this.#audit?.close();
    return finished.every((complete) => complete);
  }

  #watchListener(): void {
    const { address } = this.#group.config.listen;
    this.#watch = new ListenerWatch({ address, port: this.#port }, (reason) => {
      // Workers of replaced configurations do not listen, and finish their requests.
      for (const worker of [...this.#group.workers]) worker.giveUp(reason);
    });
  }

  async #drainOld(group: WorkerGroup, timeoutMs: number): Promise<void> {
    this.#draining.add(group);
    const finished = await group.drain(timeoutMs);
    this.#draining.delete(group);
    if (this.#stopping) return;
    const { logger } = this.#options;
    if (finished) return logger.info("Drained the workers of the previous configuration");
    logger.warn("Drain timeout after the reload expired; the remaining transfers were aborted");
  }

  #groupOf(config: GatewayConfig): WorkerGroup {
    const { logger, workerModule = WORKER_MODULE, now } = this.#options;
    return new WorkerGroup({
      now: now ?? (() => performance.now()),
      config,
      port: this.#port,
      shared: this.#shared,
      workerModule,
      audit: this.#audit,
      logger,
      allMetrics: () => this.#allMetrics(),
      allStates: () => this.#allStates(),
      revoked: (by, server, revocation) => {
        for (const worker of this.#allWorkers()) {
          if (worker !== by) worker.forget(server, revocation);
        }
      },
      crashed: () => this.#metrics.workerCrashes.inc(),
      ended: ({ counted }) => this.#ended = this.#ended.then((sum) => addUp([sum, counted])),
    });
  }

  #refuseRestart({ listen, audit }: GatewayConfig): void {
    if (!CAN_SHARE_PORT) {
      throw new Error("Reload is supported on Linux only; restart the gateway");
    }
    const { listen: now, audit: auditNow } = this.#group.config;
    const changed = [
      ...(listen.address !== now.address ? ["Listen.Address"] : []),
      ...(listen.port !== now.port ? ["Listen.Port"] : []),
      ...(isSameTrail(audit, auditNow) ? [] : ["Audit"]),
    ];
    if (changed.length > 0) {
      throw new Error(
        `${changed.join(" and ")} cannot be changed by a reload; restart the gateway`,
      );
    }
  }

  #allWorkers(): GatewayWorker[] {
    return [this.#group, ...this.#draining].flatMap(({ workers }) => [...workers]);
  }

  async #allStates(): Promise<WorkerReports> {
    const { config, stateFault } = this.#group;
    const ask = (group: WorkerGroup) =>
      [...group.workers].map((worker) => worker.state(REPORT_TIMEOUT_MS));
    const draining = [...this.#draining].flatMap(ask).map(async (asked) => {
      const state = await asked;
      // A reload may have been made to end them.
      return state && { ...state, faults: [] };
    });
    const [answers, faults] = await Promise.all([
      Promise.all([...ask(this.#group), ...draining]),
      this.#faults.current(config, stateFault),
    ]);
    const states = answers.filter((state): state is WorkerState => state !== undefined);
    return { states, silent: answers.length - states.length, faults };
  }

  async #ownMetrics(): Promise<MetricsJson> {
    const { faults } = mergeStates(await this.#allStates());
    for (const kind of FAULT_KINDS) {
      this.#metrics.faults.set({ kind }, Number(faults.some((fault) => fault.kind === kind)));
    }
    return await this.#metrics.registry.getMetricsAsJSON() as MetricsJson;
  }

  async #allMetrics(): Promise<string> {
    // A worker that ends from here on is among those that are asked.
    const metrics = await Promise.all([
      this.#ownMetrics(),
      this.#ended,
      ...this.#allWorkers().map((worker) => worker.metrics(REPORT_TIMEOUT_MS)),
    ]);
    return await AggregatorRegistry.aggregate(metrics).metrics();
  }
}

async function addUp(metrics: MetricsJson[]): Promise<MetricsJson> {
  return await AggregatorRegistry.aggregate(metrics).getMetricsAsJSON() as MetricsJson;
}

function isSameTrail(one: GatewayConfig["audit"], other: GatewayConfig["audit"]): boolean {
  return one?.key?.reveal() === other?.key?.reveal() &&
    JSON.stringify({ ...one, key: undefined }) === JSON.stringify({ ...other, key: undefined });
}
