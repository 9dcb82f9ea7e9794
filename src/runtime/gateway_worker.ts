/**
 * One sandboxed worker as the supervisor sees it.
 *
 * @module
 */
import { disableCacheStorage } from "../config/environment.ts";
import type { PermissionSet } from "../config/sandbox/permission_set.ts";
import type { WorkerReports, WorkerState } from "../gateway/account/gateway_state.ts";
import { writeLogLine } from "../telemetry/logging.ts";
import type { FromWorker, MetricsJson, ToWorker } from "./messages.ts";

/** What a worker asks of its supervisor. */
export interface WorkerEvents {
  /** Metrics of all workers as text. */
  readonly allMetrics: () => Promise<string>;
  /** What all workers tell for the status page. */
  readonly allStates: () => Promise<WorkerReports>;
  /** An operator has revoked a server's token in this worker: the others are to drop it too. */
  readonly revoked: (server: string, revocation: string) => void;
  /** Something happened that the audit trail records. */
  readonly audit: (events: readonly string[]) => void;
  /** The worker has ended by an error that nothing caught, after it had started. */
  readonly crashed: (message: string) => void;
}

/** How long a worker gets after its drain timeout to say that it is done. */
const DRAIN_GRACE_MS = 1_000;

/** The module that a gateway's workers run. */
export const WORKER_MODULE: string = import.meta.resolve("./worker.ts");

/**
 * Starts a thread that may do what it is permitted and nothing else.
 *
 * @param module URL of the module that it runs.
 * @param permissions What it may do.
 */
export function spawnSandboxed(module: string, permissions: PermissionSet): Worker {
  disableCacheStorage();
  return new Worker(module, { type: "module", name: "gateway", deno: { permissions } });
}

/** A worker of the gateway. */
export class GatewayWorker {
  readonly #worker: Worker;
  readonly #events: WorkerEvents;
  readonly #started = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<boolean>();
  readonly #metrics = new Map<number, (metrics: MetricsJson) => void>();
  readonly #states = new Map<number, (state: WorkerState) => void>();
  #nextId = 0;
  #running = false;
  #told: MetricsJson = [];

  /** @param worker The thread, started by {@linkcode spawnSandboxed}. */
  constructor(worker: Worker, events: WorkerEvents) {
    this.#events = events;
    this.#worker = worker;
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#ended(event.message);
    };
  }

  /**
   * Starts the gateway in the worker.
   *
   * @throws {Error} When it cannot start.
   */
  async start(message: Extract<ToWorker, { type: "start" }>): Promise<void> {
    this.#send(message);
    try {
      await this.#started.promise;
    } catch (error) {
      this.#worker.terminate();
      throw error;
    }
  }

  /**
   * Lets the worker finish what runs, then ends it.
   *
   * @param timeoutMs How long it may take.
   */
  async drain(timeoutMs: number): Promise<boolean> {
    if (this.#running) this.#send({ type: "drain", timeoutMs });
    else {
      this.#started.reject(new Error("Worker was terminated before it had started"));
      this.#drained.resolve(true);
    }
    const timer = setTimeout(() => this.#drained.resolve(false), timeoutMs + DRAIN_GRACE_MS);
    const finished = await this.#drained.promise;
    clearTimeout(timer);
    this.#running = false;
    this.#worker.terminate();
    return finished;
  }

  /** Has the worker drop a token that was revoked in another. */
  forget(server: string, revocation: string): void {
    if (this.#running) this.#send({ type: "forget token", server, revocation });
  }

  /**
   * Asks for the worker's metrics.
   *
   * @returns The metrics; what was counted before when the worker does not answer in time.
   */
  async metrics(timeoutMs: number): Promise<MetricsJson> {
    return await this.#ask("tell metrics", this.#metrics, timeoutMs) ?? this.counted;
  }

  /** What the worker had counted when it last told: all of it where it was drained. */
  get counted(): MetricsJson {
    // What is measured holds for the moment only.
    return this.#told.filter(({ type }) => String(type) !== "gauge");
  }

  /**
   * Asks for what the worker tells for the status page.
   *
   * @returns It, or nothing when the worker does not answer in time.
   */
  async state(timeoutMs: number): Promise<WorkerState | undefined> {
    return await this.#ask("tell state", this.#states, timeoutMs);
  }

  async #ask<T>(
    type: "tell metrics" | "tell state",
    awaited: Map<number, (answer: T) => void>,
    timeoutMs: number,
  ): Promise<T | undefined> {
    if (!this.#running) return undefined;
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    awaited.set(id, resolve);
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    this.#send({ type, id });
    const answer = await promise;
    clearTimeout(timer);
    awaited.delete(id);
    return answer;
  }

  /** Gives the worker up, as if it had crashed. */
  giveUp(message: string): void {
    if (!this.#running) return;
    this.#worker.terminate();
    this.#ended(message);
  }

  async #receive(message: FromWorker): Promise<void> {
    switch (message.type) {
      case "listening":
        this.#running = true;
        return this.#started.resolve();
      case "log":
        return writeLogLine(message.line);
      case "failed":
        return this.#started.reject(new Error(message.message));
      case "drained":
        this.#told = message.metrics;
        return this.#drained.resolve(!message.cutOff);
      case "crashed":
        this.#worker.terminate();
        return this.#ended(message.message);
      case "metrics":
        this.#told = message.metrics;
        return this.#metrics.get(message.id)?.(message.metrics);
      case "state":
        return this.#states.get(message.id)?.(message.state);
      case "ask all states":
        return this.#send({
          type: "all states",
          id: message.id,
          told: await this.#events.allStates(),
        });
      case "revoked":
        return this.#events.revoked(message.server, message.revocation);
      case "audit":
        return this.#events.audit(message.events);
      case "ask all metrics":
        return this.#send({
          type: "all metrics",
          id: message.id,
          text: await this.#events.allMetrics(),
        });
    }
  }

  #ended(message: string): void {
    const wasRunning = this.#running;
    this.#running = false;
    this.#started.reject(new Error(`Worker failed during startup: ${message}`));
    this.#drained.resolve(false);
    if (wasRunning) this.#events.crashed(message);
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }
}
