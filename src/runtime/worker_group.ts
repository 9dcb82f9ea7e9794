/**
 * The workers of one configuration: started together, each restarted when it crashes, drained
 * together when the gateway stops or another configuration takes over.
 *
 * @module
 */
import type { GatewayConfig } from "../config/gateway_config.ts";
import { permissionSet } from "../config/sandbox/permission_set.ts";
import { postable } from "../config/posted_config.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type AuditTrail, happened } from "./audit/audit_trail.ts";
import { GatewayWorker, spawnSandboxed } from "./gateway_worker.ts";
import type { WorkerReports } from "../gateway/account/gateway_state.ts";
import type { QuotaMemory } from "./messages.ts";
import { prepareStateDirectory } from "./state_directory.ts";

/** What a group works with. */
export interface WorkerGroupOptions {
  readonly config: GatewayConfig;
  /** The port to listen on. */
  readonly port: number;
  /** Version of the gateway. */
  readonly version: string;
  /** URL of the module that the workers run. */
  readonly workerModule: string;
  /** What clients have used of their quotas; outlives the group. */
  readonly quotas: QuotaMemory;
  /** The audit trail, where there is one. */
  readonly audit: AuditTrail | undefined;
  /** The key of the forms of the status page; outlives the group. */
  readonly formKey: string;
  readonly logger: Logger;
  /** The monotonic clock, in milliseconds. */
  readonly now: () => number;
  /** Metrics of the whole gateway as text. */
  readonly allMetrics: () => Promise<string>;
  /** What all workers tell for the status page. */
  readonly allStates: () => Promise<WorkerReports>;
  /** A worker was asked to revoke a server's token; all others are to drop it too. */
  readonly revoked: (by: GatewayWorker, server: string, revocation: string) => void;
  /** Told of each crash. */
  readonly crashed: () => void;
  /** Told of each worker that has ended. */
  readonly ended: (worker: GatewayWorker) => void;
}

/** First wait before a crashed worker is started again, doubled up to the longest. */
const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 30_000;
/** A worker that ran for so long crashed of something new: it does not wait for what was before. */
const STEADY_MS = 30_000;

/**
 * Whether several listeners can share a port here. Then the workers always do, so that those of the
 * next configuration can start to listen before these end.
 */
export const CAN_SHARE_PORT: boolean = Deno.build.os === "linux";

/** The workers of one configuration. */
export class WorkerGroup {
  readonly #options: WorkerGroupOptions;
  readonly #workers = new Set<GatewayWorker>();
  readonly #restarts = new Set<number>();
  #ending = false;

  /** @param options What it works with. */
  constructor(options: WorkerGroupOptions) {
    this.#options = options;
  }

  /** The configuration. */
  get config(): GatewayConfig {
    return this.#options.config;
  }

  /** The workers that run. */
  get workers(): Iterable<GatewayWorker> {
    return this.#workers;
  }

  /**
   * Starts the workers.
   *
   * @throws {Error} When one cannot start; then none runs.
   */
  async start(): Promise<void> {
    const { config } = this.#options;
    // A state directory is made only where something will be written to it.
    if (permissionSet(config).write !== false) {
      await prepareStateDirectory(config.stateDirectory);
    }
    const starts = Array.from({ length: config.workers }, () => this.#startWorker());
    const failed = (await Promise.allSettled(starts)).find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    await this.drain(0);
    throw (failed as PromiseRejectedResult).reason;
  }

  /**
   * Ends the workers: they accept nothing new and finish what runs.
   *
   * @param timeoutMs How long that may take.
   * @returns Whether all that ran was finished.
   */
  async drain(timeoutMs: number): Promise<boolean> {
    this.#ending = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    const finished = await Promise.all([...this.#workers].map(async (worker) => {
      const isComplete = await worker.drain(timeoutMs);
      if (this.#workers.delete(worker)) this.#options.ended(worker);
      return isComplete;
    }));
    return finished.every((complete) => complete);
  }

  async #startWorker(afterCrashMs = FIRST_RESTART_MS): Promise<void> {
    const { config, port, version, workerModule, logger, now } = this.#options;
    const startedMs = now();
    const permissions = permissionSet({ ...config, listen: { ...config.listen, port } });
    const worker = new GatewayWorker(spawnSandboxed(workerModule, permissions), {
      allMetrics: this.#options.allMetrics,
      allStates: this.#options.allStates,
      revoked: (server, revocation) => this.#options.revoked(worker, server, revocation),
      audit: (events) => this.#options.audit?.record(events),
      crashed: (message) => {
        if (this.#workers.delete(worker)) this.#options.ended(worker);
        this.#options.audit?.record([happened("gateway", "worker crashed")]);
        this.#options.crashed();
        if (this.#ending) {
          return logger.error("Worker crashed while draining", { reason: message });
        }
        const delayMs = now() - startedMs < STEADY_MS ? afterCrashMs : FIRST_RESTART_MS;
        logger.error("Worker crashed; restarting it", { reason: message, delayMs });
        this.#restartLater(delayMs);
      },
    });
    this.#workers.add(worker);
    try {
      await worker.start({
        type: "start",
        config: postable(config),
        port,
        sharePort: CAN_SHARE_PORT,
        version,
        quotas: this.#options.quotas,
        auditHealth: this.#options.audit?.health,
        formKey: this.#options.formKey,
      });
    } catch (error) {
      this.#workers.delete(worker);
      throw error;
    }
  }

  #restartLater(delayMs: number): void {
    const timer = setTimeout(async () => {
      this.#restarts.delete(timer);
      const next = Math.min(delayMs * 2, LONGEST_RESTART_MS);
      try {
        await this.#startWorker(next);
      } catch (error) {
        if (this.#ending) return;
        this.#options.logger.error("Cannot start a worker; retrying", { reason: String(error) });
        this.#restartLater(next);
      }
    }, delayMs);
    this.#restarts.add(timer);
  }
}
