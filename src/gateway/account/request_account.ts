/**
 * Keeps the account of one request: gathers its facts once, when it has a response, and hands them to
 * metrics, audit trail, activity and log, then and when the response has been sent.
 */
import type { Context } from "hono";
import { ANONYMOUS } from "../../credentials/inbound/caller.ts";
import { failureReasonText } from "../../dicomweb/stow/failure_reason.ts";
import type { StowOutcome } from "../../dicomweb/stow/stow_outcome.ts";
import { isOfClientsBody } from "../../errors/broken_body_error.ts";
import type { GatewayError } from "../../errors/gateway_error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { securityEventType } from "../../telemetry/security_events.ts";
import type { Activity } from "./activity.ts";
import { type AnswerEnd, CLIENT_LEFT, onAnswerEnd } from "./answer_end.ts";
import { isOpen } from "../steps/authenticate.ts";
import { receivedBytes, sentBytes } from "./body_bytes.ts";
import type { ClientAddress } from "../client_address.ts";
import type { GatewayEnv } from "../gateway_env.ts";
import { asGatewayError, problemResponse } from "../problem.ts";
import { type AuditOptions, auditRecord, isRefusal } from "./audit_record.ts";
import type { RequestFacts } from "./request_facts.ts";

export interface AccountOptions {
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Receives security events. */
  readonly security: Logger;
  readonly activity: Activity;
  /** Nothing is recorded unless given. */
  readonly audit?: AuditOptions | undefined;
  readonly stores: { has(name: string): boolean };
  readonly clientAddress: ClientAddress;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now: () => number;
}

/** Values of the metric label `outcome`. */
const OUTCOMES = {
  "complete": "complete",
  "broken off": "broken",
  "passed on": "passed_on",
} as const satisfies Record<AnswerEnd, string>;

export class RequestAccount {
  readonly #c: Context<GatewayEnv>;
  readonly #options: AccountOptions;
  readonly #startedMs = performance.now();
  /** Undefined if there is no audit trail, the page is open, or the record has been written. */
  #audit: AuditOptions | undefined;
  #thrown: unknown;
  #error: GatewayError | undefined;
  /** Undefined until there is a response: when it has been sent, the request can no longer be read. */
  #facts: RequestFacts | undefined;

  constructor(c: Context<GatewayEnv>, options: AccountOptions) {
    this.#c = c;
    this.#options = options;
    const { audit } = options;
    if (audit === undefined || isOpen(c.get("destination")) || this.isUnrecordable) return;
    this.#audit = audit;
    audit.unfinished?.add(this);
  }

  /**
   * Whether the request must be refused, as no record of it can be written. The gateway's own pages can
   * be read all the same: they show what is wrong.
   */
  get isUnrecordable(): boolean {
    if (this.#options.audit?.trail.isRefusing !== true) return false;
    const destination = this.#c.get("destination");
    const { method } = this.#c.req.raw;
    return destination.kind === "store" || !(method === "GET" || method === "HEAD");
  }

  /** The request has failed. */
  fail(thrown: Error): Response {
    const c = this.#c;
    this.#thrown = thrown;
    const error = this.#error = asGatewayError(thrown);
    // The client has left: nothing failed, and nothing reads the response.
    if (c.req.raw.signal.aborted) return new Response(null, { status: CLIENT_LEFT });
    const { metrics, logger, security } = this.#options;
    const { code, entry: { category } } = error;
    const server = error.server ?? c.get("server") ?? "";
    // A client's failure must not raise an alarm about the server.
    const failed = isOfClientsBody(thrown) ? "" : server;
    metrics.errors.inc({ server: failed, error_code: code, category });
    const address = c.get("address");
    const event_type = securityEventType(error);
    const log = event_type === undefined ? logger : security;
    log[error.status >= 500 ? "error" : "warn"](error.message, {
      ...(event_type !== undefined && { event_type }),
      error_code: code,
      server,
      request_id: c.get("requestId"),
      ...(address !== undefined && { client: address }),
      ...error.logFields,
      ...(code === "INT-001" && { cause: String(thrown.stack) }),
    });
    return problemResponse(error, c.get("requestId"));
  }

  /** The request has a response. */
  answered(): void {
    const c = this.#c;
    const { metrics } = this.#options;
    const tookMs = performance.now() - this.#startedMs;
    const { raw } = c.req;
    const { res } = c;
    const { route } = c.get("destination");
    metrics.requestDuration.labels(raw.method, String(res.status), String(res.ok), route, route)
      .observe(tookMs / 1000);
    const facts = this.#facts = this.#gather(res);
    const { error, transfer, destination } = facts;
    // Pages about a server send nothing to its store.
    const server = destination.kind === "store" ? facts.server : undefined;
    if (server !== undefined) this.#reportActivity(server, facts);
    if (error !== undefined) {
      const outcome = isRefusal(error.code)
        ? "refused"
        : facts.isOfClient
        ? "broken off"
        : "failed";
      this.#record(facts, outcome);
    }
    if (server === undefined && this.#audit === undefined) return;
    const { completed } = c.env;
    const answer = { request: raw, response: res, passed: transfer };
    // For the runtime the response to a handshake has ended when the WebSocket is open.
    const closed = c.get("socketClosed");
    if (closed !== undefined && server !== undefined) {
      onAnswerEnd({ ...answer, completed: closed }, (end) => this.#endTransfer(server, facts, end));
    }
    onAnswerEnd({ ...answer, completed }, (end) => {
      this.#record(facts, end);
      if (closed === undefined && server !== undefined) this.#endTransfer(server, facts, end);
    });
  }

  /** The worker ends before the request does. */
  cutOff(): void {
    this.#record(this.#facts ?? this.#gather(undefined), "broken off");
  }

  #gather(response: Response | undefined): RequestFacts {
    const c = this.#c;
    const { raw } = c.req;
    const { stores, clientAddress } = this.#options;
    const destination = c.get("destination");
    const reached = c.get("server");
    // A name that is not configured may be anything. A rejected request was still for a server.
    const { server: name } = destination;
    const named = reached ?? (name !== undefined && stores.has(name) ? name : undefined);
    const hasLeft = this.#error !== undefined && raw.signal.aborted;
    return {
      requestId: c.get("requestId"),
      method: raw.method,
      destination,
      server: reached,
      named,
      transaction: destination.kind === "store" && named !== undefined
        ? destination.transaction
        : undefined,
      subject: (c.get("caller") ?? ANONYMOUS).subject,
      client: c.get("address") ?? clientAddress.of(raw.headers, c.env.remoteAddr?.hostname),
      status: response?.status,
      error: this.#error,
      hasLeft,
      isOfClient: hasLeft || isOfClientsBody(this.#thrown),
      bytesReceived: receivedBytes(raw, response?.status ?? CLIENT_LEFT),
      bytesSent: response && sentBytes(raw.method, response),
      transfer: c.get("transfer"),
    };
  }

  #reportActivity(server: string, facts: RequestFacts): void {
    const { error, isOfClient, transfer, status, method, transaction } = facts;
    const { activity, logger } = this.#options;
    const tookMs = performance.now() - (transfer?.beganMs ?? this.#startedMs);
    if (error !== undefined) {
      if (!isOfClient) activity.failed(server, error, tookMs, transfer);
      return;
    }
    const { res } = this.#c;
    if (transfer !== undefined) activity.answered(transfer, res, tookMs);
    const stow = transfer?.stow;
    const hasFailures = stow !== undefined && stow.failed > 0;
    // Orthanc shows only that a job failed.
    if (hasFailures || (status !== undefined && status >= 400)) {
      // Viewers ask for what does not exist.
      const isMissing = status === 404 && (method === "GET" || method === "HEAD");
      const message = hasFailures ? failuresMessage(stow) : "Store rejected a request";
      logger[isMissing ? "info" : "warn"](message, {
        server,
        method,
        transaction: transaction?.name,
        status,
        request_id: facts.requestId,
        ...(hasFailures && countFields(stow)),
      });
    }
  }

  #endTransfer(server: string, facts: RequestFacts, ended: AnswerEnd): void {
    const { metrics, activity, logger } = this.#options;
    const { error, transfer, status, requestId: request_id } = facts;
    const end = isOfClientsBody(this.#thrown) ? "broken off" : ended;
    if (end === "broken off" && error === undefined) {
      logger.info("Response aborted by the store or the client", {
        server,
        status,
        request_id,
      });
    }
    metrics.transferDuration.labels(server, OUTCOMES[end])
      .observe((performance.now() - (transfer?.beganMs ?? this.#startedMs)) / 1000);
    if (transfer !== undefined) activity.end(transfer, end !== "broken off");
  }

  /** Records, once. */
  #record(facts: RequestFacts, outcome: string): void {
    const audit = this.#audit;
    if (audit === undefined) return;
    this.#audit = undefined;
    audit.unfinished?.delete(this);
    const end = {
      outcome,
      atMs: this.#options.now(),
      tookMs: performance.now() - this.#startedMs,
    };
    audit.trail.record(auditRecord(facts, end, audit.nameUid));
  }
}

function failuresMessage({ missing }: StowOutcome): string {
  return missing > 0
    ? "Store's report does not cover every instance; counting the missing ones as failed"
    : "Store did not store every instance";
}

function countFields({ sent, stored, failed, missing, reasons }: StowOutcome) {
  return {
    sent,
    stored,
    failed,
    ...(missing > 0 && { missing }),
    ...(reasons.length > 0 && { reasons: reasons.map(failureReasonText).join(", ") }),
  };
}
