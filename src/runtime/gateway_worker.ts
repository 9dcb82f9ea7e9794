/**
 * One sandboxed worker, as the supervisor controls it.
 */
import { disableCacheStorage } from "../config/environment.ts";
import type { PermissionSet } from "../config/sandbox/permission_set.ts";
import type { WorkerReports, WorkerState } from "../gateway/account/gateway_state.ts";
import { writeLogLine } from "../telemetry/logging.ts";
import { readDocument } from "./documents.ts";
import type { FromWorker, MetricsJson, StartMessage, ToWorker } from "./messages.ts";
import { within } from "./within.ts";

/** Requests and events of a worker. */
export interface WorkerEvents {
  /** Metrics of all workers, as text. */
  readonly allMetrics: () => Promise<string>;
  /** States of all workers, for the status page. */
  readonly allStates: () => Promise<WorkerReports>;
  /** An operator has revoked a server's token: the other workers must discard it, too. */
  readonly revoked: (server: string, revocation: string) => void;
  /** Events for the audit trail. */
  readonly audit: (events: readonly string[]) => void;
  /** An uncaught error has ended the worker after its start. */
  readonly crashed: (message: string) => void;
}

/** How long a worker may take after its drain timeout to report its final counts. */
const DRAIN_GRACE_MS = 1_000;

/** The module that a gateway's workers run. */
export const WORKER_MODULE: string = import.meta.resolve("./worker.ts");

/** Starts a thread that runs the module of a URL with these permissions only. */
export function spawnSandboxed(module: string, permissions: PermissionSet): Worker {
  disableCacheStorage();
  return new Worker(module, { type: "module", name: "gateway", deno: { permissions } });
}

export class GatewayWorker {
  readonly #worker: Worker;
  readonly #events: WorkerEvents;
  readonly #started = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<boolean>();
  readonly #awaitedMetrics = new Map<number, (metrics: MetricsJson) => void>();
  readonly #awaitedStates = new Map<number, (state: WorkerState) => void>();
  #nextId = 0;
  #running = false;
  #lastMetrics: MetricsJson = [];

  /** @param worker A thread of {@linkcode spawnSandboxed}. */
  constructor(worker: Worker, events: WorkerEvents) {
    this.#events = events;
    this.#worker = worker;
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#ended(event.message);
    };
  }

  /** @throws {Error} When the gateway cannot start in the worker. */
  async start(message: StartMessage): Promise<void> {
    this.#send(message);
    try {
      await this.#started.promise;
    } catch (error) {
      this.#worker.terminate();
      throw error;
    }
  }

  /** Lets the worker finish its requests, then ends it. Returns whether it finished all in time. */
  async drain(timeoutMs: number): Promise<boolean> {
    if (this.#running) this.#send({ type: "drain", timeoutMs });
    else {
      this.#started.reject(new Error("Worker was terminated before it had started"));
      this.#drained.resolve(true);
    }
    const finished = await within(timeoutMs + DRAIN_GRACE_MS, this.#drained.promise, false);
    this.#running = false;
    this.#worker.terminate();
    return finished;
  }

  /** Makes the worker discard a token that was revoked through another one. */
  forget(server: string, revocation: string): void {
    if (this.#running) this.#send({ type: "forget token", server, revocation });
  }

  /** The worker's metrics; its last known counts if it does not answer in time. */
  async metrics(timeoutMs: number): Promise<MetricsJson> {
    return await this.#ask("get metrics", this.#awaitedMetrics, timeoutMs) ?? this.counted;
  }

  /** The last known counts: the final ones if the worker was drained. */
  get counted(): MetricsJson {
    // A gauge holds for its moment only.
    return this.#lastMetrics.filter(({ type }) => String(type) !== "gauge");
  }

  /** The worker's state for the status page; undefined if it does not answer in time. */
  async state(timeoutMs: number): Promise<WorkerState | undefined> {
    return await this.#ask("get state", this.#awaitedStates, timeoutMs);
  }

  async #ask<T>(
    type: "get metrics" | "get state",
    awaited: Map<number, (answer: T) => void>,
    timeoutMs: number,
  ): Promise<T | undefined> {
    if (!this.#running) return undefined;
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<T>();
    awaited.set(id, resolve);
    this.#send({ type, id });
    return await within(timeoutMs, promise, undefined).finally(() => awaited.delete(id));
  }

  /** Terminates the worker and treats it as crashed. */
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
        this.#lastMetrics = message.metrics;
        return this.#drained.resolve(!message.cutOff);
      case "crashed":
        this.#worker.terminate();
        return this.#ended(message.message);
      case "metrics":
        this.#lastMetrics = message.metrics;
        return this.#awaitedMetrics.get(message.id)?.(message.metrics);
      case "state":
        return this.#awaitedStates.get(message.id)?.(message.state);
      case "get all states": {
        const reports = await this.#events.allStates();
        return this.#send({ type: "all states", id: message.id, reports });
      }
      case "get document": {
        const content = await readDocument(message.path);
        return this.#send({ type: "document", id: message.id, content });
      }
      case "revoked":
        return this.#events.revoked(message.server, message.revocation);
      case "audit":
        return this.#events.audit(message.events);
      case "get all metrics": {
        const text = await this.#events.allMetrics();
        return this.#send({ type: "all metrics", id: message.id, text });
      }
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
