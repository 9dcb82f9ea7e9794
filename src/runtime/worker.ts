/**
 * The entry point of a sandboxed worker: makes the gateway of the configuration that it is sent, and
 * serves it. It runs with the permissions that `permissionSet` derived and no others.
 *
 * @module
 */
// Before anything else: what is imported here could keep what is taken away there.
import "./sealed_globals.ts";
import { received } from "../config/posted_config.ts";
import { asGatewayError, problemResponse } from "../gateway/problem.ts";
import { AuditFeed } from "../telemetry/audit_feed.ts";
import type { WorkerReports } from "../gateway/account/gateway_state.ts";
import { configureLogging, createLogger } from "../telemetry/logging.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { assembleGateway, type Gateway } from "./assemble_gateway.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

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
  readonly #awaitedStates = new Map<number, (told: WorkerReports) => void>();
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
          const text = error instanceof Error ? error.message : String(error);
          scope.postMessage({ type: "failed", message: text });
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
      case "tell metrics":
        return scope.postMessage({
          type: "metrics",
          id: message.id,
          metrics: await this.#metrics.registry.getMetricsAsJSON(),
        });
      case "all metrics":
        return this.#awaitedTexts.get(message.id)?.(message.text);
      case "tell state": {
        const state = await this.#gateway?.state();
        if (state !== undefined) scope.postMessage({ type: "state", id: message.id, state });
        return;
      }
      case "all states":
        return this.#awaitedStates.get(message.id)?.(message.told);
    }
  }

  #start(message: Extract<ToWorker, { type: "start" }>): void {
    const config = received(message.config);
    // One thread writes for all workers, so that lines stay whole and their loss is counted once.
    configureLogging({
      ...config.log,
      write: (line) => scope.postMessage({ type: "log", line }),
    });
    const logger = createLogger("runtime");
    // One request's stray failure must not end the streams of all others.
    scope.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      const { reason } = event;
      logger.error("Unhandled error; please report it", {
        error_code: "INT-001",
        cause: String(reason instanceof Error ? reason.stack : reason),
      });
      this.#metrics.errors.inc({ server: "", error_code: "INT-001", category: "INTERNAL" });
    });
    // Left to itself, the runtime would write out all that the error holds: requests, configuration.
    scope.addEventListener("error", (event) => {
      event.preventDefault();
      const { error, message } = event;
      const text = error instanceof Error ? error.stack ?? message : message;
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
      metrics: this.#metrics,
      metricsText: () => this.#allMetrics(),
      announceRevocation: (server, revocation) =>
        scope.postMessage({ type: "revoked", server, revocation }),
      version: message.version,
      quotas: message.quotas,
      audit: this.#feed,
      states: () => this.#allStates(),
      formKey: message.formKey,
    });
    const { address, tls } = config.listen;
    this.#server = Deno.serve({
      hostname: address,
      port: message.port,
      reusePort: message.sharePort,
      ...(tls && { cert: tls.certificatePem, key: tls.keyPem.reveal() }),
      onListen: () => {},
      // The app answers for its own failures; what gets past it is written out whole if left alone.
      onError: (error) => {
        logger.error("Unhandled error while serving a request; please report it", {
          error_code: "INT-001",
          cause: String(error instanceof Error ? error.stack : error),
        });
        return problemResponse(asGatewayError(error), crypto.randomUUID());
      },
    }, this.#gateway.handle);
    // The runtime stops to listen for good when it has no file descriptor for a connection: what is
    // left of this worker would hold those it has, and answer nobody.
    this.#server.finished.catch((error: Error) =>
      scope.postMessage({ type: "crashed", message: `Listener failed: ${error.message}` })
    );
  }

  /** @returns Whether something had to be cut off. */
  async #drain(timeoutMs: number): Promise<boolean> {
    const cut = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => cut.resolve(true), timeoutMs);
    const finished = (this.#server?.shutdown() ?? Promise.resolve()).then(() => false);
    const cutOff = await Promise.race([finished, cut.promise]);
    clearTimeout(timer);
    if (cutOff) this.#gateway?.cutOff();
    await this.#gateway?.close();
    this.#feed?.flush();
    return cutOff;
  }

  #allStates(): Promise<WorkerReports> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<WorkerReports>();
    this.#awaitedStates.set(id, resolve);
    scope.postMessage({ type: "ask all states", id });
    return promise.finally(() => this.#awaitedStates.delete(id));
  }

  /** The supervisor has its own, and those of the other workers. */
  #allMetrics(): Promise<string> {
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#awaitedTexts.set(id, resolve);
    scope.postMessage({ type: "ask all metrics", id });
    return promise.finally(() => this.#awaitedTexts.delete(id));
  }
}

const worker = new ServingWorker();
scope.onmessage = (event) => void worker.receive(event.data);
