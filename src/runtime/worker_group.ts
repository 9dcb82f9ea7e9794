/**
 * The workers of one configuration: started together, each restarted when it crashes, drained together
 * at a reload or stop.
 */
import type { GatewayConfig } from "../config/gateway_config.ts";
import { permissionSet } from "../config/sandbox/permission_set.ts";
import { postable } from "../config/posted_config.ts";
import type { Logger } from "../telemetry/logger.ts";
import { type AuditTrail, happened } from "./audit/audit_trail.ts";
import { GatewayWorker, spawnSandboxed, type WorkerEvents } from "./gateway_worker.ts";
import type { SharedByWorkers } from "./messages.ts";
import { prepareState } from "./token_cache_file.ts";

export interface WorkerGroupOptions extends Pick<WorkerEvents, "allMetrics" | "allStates"> {
  readonly config: GatewayConfig;
  /** The port to listen on. */
  readonly port: number;
  readonly shared: SharedByWorkers;
  /** URL of the module that the workers run. */
  readonly workerModule: string;
  readonly audit: AuditTrail | undefined;
  readonly logger: Logger;
  /** The monotonic clock, in milliseconds. */
  readonly now: () => number;
  /** An operator has revoked a server's token in one worker: the others must discard it, too. */
  readonly revoked: (by: GatewayWorker, server: string, revocation: string) => void;
  readonly crashed: () => void;
  readonly ended: (worker: GatewayWorker) => void;
}

/** Delay before the restart of a crashed worker, doubled for each further crash up to the longest. */
const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 30_000;
/** A worker that ran for so long crashed for a new reason: its delay is the first one again. */
const STEADY_MS = 30_000;

/**
 * Whether several listeners can share a port on this system. Then the workers always do, so that those
 * of the next configuration can listen before these end.
 */
export const CAN_SHARE_PORT: boolean = Deno.build.os === "linux";

export class WorkerGroup {
  readonly #options: WorkerGroupOptions;
  readonly #workers = new Set<GatewayWorker>();
  readonly #restarts = new Set<number>();
  /** The configuration that the workers get. */
  #prepared: GatewayConfig;
  #stateFault: string | undefined;
  #ending = false;

  constructor(options: WorkerGroupOptions) {
    this.#options = options;
    this.#prepared = options.config;
  }

  get config(): GatewayConfig {
    return this.#options.config;
  }

  /** Why the state directory cannot be used, if it cannot. */
  get stateFault(): string | undefined {
    return this.#stateFault;
  }

  get workers(): Iterable<GatewayWorker> {
    return this.#workers;
  }

  /** @throws {Error} When one worker cannot start; then none runs. */
  async start(): Promise<void> {
    const { config, logger } = this.#options;
    this.#prepared = await prepareState(config, logger, (reason) => this.#stateFault = reason);
    const starts = Array.from({ length: config.workers }, () => this.#startWorker());
    const failed = (await Promise.allSettled(starts)).find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    await this.drain(0);
    throw (failed as PromiseRejectedResult).reason;
  }

  /** Lets the workers finish their requests, then ends them. Returns whether all finished in time. */
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
    const { port, shared, workerModule, audit, logger, now } = this.#options;
    const config = this.#prepared;
    const startedMs = now();
    const permissions = permissionSet({ ...config, listen: { ...config.listen, port } });
    const worker = new GatewayWorker(spawnSandboxed(workerModule, permissions), {
      allMetrics: this.#options.allMetrics,
      allStates: this.#options.allStates,
      revoked: (server, revocation) => this.#options.revoked(worker, server, revocation),
      audit: (events) => audit?.record(events),
      crashed: (message) => {
        if (this.#workers.delete(worker)) this.#options.ended(worker);
        audit?.record([happened("gateway", "worker crashed")]);
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
        ...shared,
        type: "start",
        config: postable(config),
        port,
        sharePort: CAN_SHARE_PORT,
        auditHealth: audit?.health,
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
