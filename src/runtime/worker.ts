/**
 * The entry point of a sandboxed worker: serves the gateway of the configuration that it receives, with
 * only the permissions of `permissionSet`.
 */
// Before anything else: other imports could keep references to what it removes.
import "./sealed_globals.ts";
import { received } from "../config/posted_config.ts";
import { asGatewayError, problemResponse } from "../gateway/problem.ts";
import { AuditFeed } from "../telemetry/audit_feed.ts";
import type { WorkerReports } from "../gateway/account/gateway_state.ts";
import { reasonOf } from "../errors/reason.ts";
import { configureLogging, createLogger } from "../telemetry/logging.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { assembleGateway, type Gateway } from "./assemble_gateway.ts";
import type { DocumentContent } from "./documents.ts";
import type { FromWorker, StartMessage, ToWorker } from "./messages.ts";
import { within } from "./within.ts";

interface WorkerScope {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  addEventListener(
    type: "unhandledrejection",
    listener: (event: PromiseRejectionEvent) => void,
  ): void;
  addEventListener(type: "error", listener: (event: ErrorEvent) => void): void;
}

const scope = self as unknown as WorkerScope;

class ServingWorker {
  readonly #metrics: Metrics = createMetrics();
  readonly #awaitedTexts = new Map<number, (text: string) => void>();
  readonly #awaitedStates = new Map<number, (reports: WorkerReports) => void>();
  readonly #awaitedDocuments = new Map<number, (content: DocumentContent) => void>();
  #nextId = 0;
  #server: Deno.HttpServer | undefined;
  #gateway: Gateway | undefined;
  #feed: AuditFeed | undefined;

  async receive(message: ToWorker): Promise<void> {
    switch (message.type) {
      case "start":
        try {
          this.#start(message);
          scope.postMessage({ type: "listening" });
        } catch (error) {
          scope.postMessage({ type: "failed", message: reasonOf(error) });
        }
        return;
      case "drain":
        return scope.postMessage({
          type: "drained",
          cutOff: await this.#drain(message.timeoutMs),
          metrics: await this.#metrics.registry.getMetricsAsJSON(),
        });
      case "forget token":
        return await this.#gateway?.forget(message.server, message.revocation);
      case "get metrics":
        return scope.postMessage({
          type: "metrics",
          id: message.id,
          metrics: await this.#metrics.registry.getMetricsAsJSON(),
        });
      case "all metrics":
        return this.#awaitedTexts.get(message.id)?.(message.text);
      case "get state": {
        const state = await this.#gateway?.state();
        if (state !== undefined) scope.postMessage({ type: "state", id: message.id, state });
        return;
      }
      case "all states":
        return this.#awaitedStates.get(message.id)?.(message.reports);
      case "document":
        return this.#awaitedDocuments.get(message.id)?.(message.content);
    }
  }

  #start(message: StartMessage): void {
    const config = received(message.config);
    // One thread writes for all workers, so that lines stay whole and their loss is counted once.
    configureLogging({
      ...config.log,
      write: (line) => scope.postMessage({ type: "log", line }),
    });
    const logger = createLogger("runtime");
    // The stray failure of one request must not end the streams of all others.
    scope.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      logger.error("Unhandled error; please report it", {
        error_code: "INT-001",
        cause: stackOf(event.reason),
      });
      this.#metrics.errors.inc({ server: "", error_code: "INT-001", category: "INTERNAL" });
    });
    // By default, the runtime would print all properties of the error: requests, configuration.
    scope.addEventListener("error", (event) => {
      event.preventDefault();
      const { error, message } = event;
      const text = error instanceof Error ? stackOf(error) : message;
      scope.postMessage({ type: "crashed", message: text });
    });
    if (config.audit !== undefined && message.auditHealth !== undefined) {
      this.#feed = new AuditFeed({
        health: message.auditHealth,
        onFailure: config.audit.onFailure,
        post: (events) => scope.postMessage({ type: "audit", events }),
      });
    }
    this.#gateway = assembleGateway(config, {
      version: message.version,
      quotas: message.quotas,
      formKey: message.formKey,
      metrics: this.#metrics,
      metricsText: () => this.#ask({ type: "get all metrics" }, this.#awaitedTexts),
      announceRevocation: (server, revocation) =>
        scope.postMessage({ type: "revoked", server, revocation }),
      audit: this.#feed,
      states: () => this.#ask({ type: "get all states" }, this.#awaitedStates),
      document: (path) => this.#ask({ type: "get document", path }, this.#awaitedDocuments),
    });
    const { address, tls } = config.listen;
    this.#server = Deno.serve({
      hostname: address,
      port: message.port,
      reusePort: message.sharePort,
      ...(tls && { cert: tls.certificatePem, key: tls.keyPem.reveal() }),
      onListen: () => {},
      // The app handles its own failures; the runtime would print all properties of any other error.
      onError: (error) => {
        logger.error("Unhandled error while serving a request; please report it", {
          error_code: "INT-001",
          cause: stackOf(error),
        });
        return problemResponse(asGatewayError(error), crypto.randomUUID());
      },
    }, this.#gateway.handle);
    // The runtime stops listening for good when no file descriptor is free for a connection: this worker
    // would keep its connections, and accept no more.
    this.#server.finished.catch((error: Error) =>
      scope.postMessage({ type: "crashed", message: `Listener failed: ${error.message}` })
    );
  }

  /** Returns whether requests had to be cut off. */
  async #drain(timeoutMs: number): Promise<boolean> {
    const finished = (this.#server?.shutdown() ?? Promise.resolve()).then(() => false);
    const cutOff = await within(timeoutMs, finished, true);
    if (cutOff) this.#gateway?.cutOff();
    await this.#gateway?.close();
    this.#feed?.flush();
    return cutOff;
  }

  /** Asks the supervisor, which collects from all workers, or reads what they may not. */
  #ask<T>(
    question: { type: "get all metrics" | "get all states" } | {
      type: "get document";
      path: string;
    },
    awaited: Map<number, (answer: T) => void>,
  ): Promise<T> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<T>();
    awaited.set(id, resolve);
    scope.postMessage({ ...question, id });
    return promise.finally(() => awaited.delete(id));
  }
}

function stackOf(thrown: unknown): string {
  return String(thrown instanceof Error ? thrown.stack ?? thrown : thrown);
}

const worker = new ServingWorker();
scope.onmessage = (event) => void worker.receive(event.data);
