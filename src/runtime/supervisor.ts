/**
 * Starts the sandboxed workers, restarts one that crashed, and drains them at the end. It holds the
 * permissions that the workers are refused, and handles no request itself.
 *
 * @module
 */
import { AggregatorRegistry } from "prom-client";
import type { ConfigSource } from "../config/config_source.ts";
import type { GatewayConfig } from "../config/gateway_config.ts";
import { parseConfig } from "../config/parse_config.ts";
import { permissionSet } from "../config/permission_set.ts";
import type { Logger } from "../telemetry/logger.ts";
import { GatewayWorker, spawnSandboxed, WORKER_MODULE } from "./gateway_worker.ts";
import type { MetricsJson } from "./messages.ts";
import { reservePort } from "./reserve_port.ts";

/** What a supervisor works with. */
export interface SupervisorOptions {
  readonly source: ConfigSource;
  readonly logger: Logger;
  /** Version of the gateway. */
  readonly version: string;
  /** URL of the module that the workers run, where it is not the gateway's own. */
  readonly workerModule?: string;
}

/** First wait before a crashed worker is started again, doubled up to the longest. */
const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 30_000;
/** How long workers may take to tell their metrics. */
const METRICS_TIMEOUT_MS = 2_000;

/** The running gateway. */
export class Supervisor {
  /** Where it listens, as a URL without a trailing slash. */
  readonly url: string;
  readonly #options: SupervisorOptions;
  readonly #config: GatewayConfig;
  readonly #port: number;
  readonly #workers = new Set<GatewayWorker>();
  readonly #restarts = new Set<number>();
  #stopping = false;

  private constructor(options: SupervisorOptions, config: GatewayConfig, port: number) {
    const { address, tls } = config.listen;
    this.#options = options;
    this.#config = config;
    this.#port = port;
    const host = address.includes(":") ? `[${address}]` : address;
    this.url = `${tls === undefined ? "http" : "https"}://${host}:${port}`;
  }

  /**
   * Starts the gateway.
   *
   * @param options What to work with.
   * @returns The supervisor, when every worker listens.
   * @throws {ConfigError} When the configuration is wrong.
   * @throws {PortInUseError} When something listens on the port already.
   * @throws {Error} When a worker cannot start for another reason.
   */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const config = parseConfig(options.source);
    const permissions = permissionSet(config);
    if (permissions.write !== false) {
      await Deno.mkdir(config.stateDirectory, { recursive: true, mode: 0o700 });
    }
    const port = reservePort(config.listen);
    const supervisor = new Supervisor(options, config, port);
    try {
      await Promise.all(Array.from({ length: config.workers }, () => supervisor.#startWorker()));
    } catch (error) {
      await supervisor.stop(0);
      throw error;
    }
    return supervisor;
  }

  /**
   * Stops: nothing new is accepted, what runs is finished.
   *
   * @param timeoutMs How long what runs may take; the configured time unless given.
   * @returns Whether all that ran was finished.
   */
  async stop(timeoutMs: number = this.#config.drainTimeoutMs): Promise<boolean> {
    this.#stopping = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    const finished = await Promise.all(
      [...this.#workers].map((worker) => worker.drain(timeoutMs)),
    );
    this.#workers.clear();
    return finished.every((complete) => complete);
  }

  async #startWorker(delayMs = FIRST_RESTART_MS): Promise<void> {
    const { source, version, logger, workerModule = WORKER_MODULE } = this.#options;
    const listen = { ...this.#config.listen, port: this.#port };
    const permissions = permissionSet({ ...this.#config, listen });
    const worker = new GatewayWorker(spawnSandboxed(workerModule, permissions), {
      allMetrics: () => this.#allMetrics(),
      revoked: (server, revocation) => {
        for (const other of this.#workers) {
          if (other !== worker) other.forget(server, revocation);
        }
      },
      crashed: (message) => {
        this.#workers.delete(worker);
        if (this.#stopping) return;
        logger.error("A worker crashed; it is started again", { reason: message, delayMs });
        this.#restartLater(delayMs);
      },
    });
    this.#workers.add(worker);
    try {
      await worker.start({
        type: "start",
        source,
        port: this.#port,
        sharePort: this.#config.workers > 1,
        version,
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
        if (this.#stopping) return;
        this.#options.logger.error("A worker could not be started", { reason: String(error) });
        this.#restartLater(next);
      }
    }, delayMs);
    this.#restarts.add(timer);
  }

  async #allMetrics(): Promise<string> {
    const answers = await Promise.all(
      [...this.#workers].map((worker) => worker.metrics(METRICS_TIMEOUT_MS)),
    );
    const known = answers.filter((metrics): metrics is MetricsJson => metrics !== undefined);
    return await AggregatorRegistry.aggregate(known).metrics();
  }
}
