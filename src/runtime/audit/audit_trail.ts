/**
 * Writes the audit trail: chains the events of the supervisor and its workers, and writes them to a
 * sink. While writing fails, it keeps a bounded number of events, and shows the failure to all workers.
 */
import type { AuditConfig } from "../../config/gateway_config.ts";
import { reasonOf } from "../../errors/reason.ts";
import { openSyslog } from "../../network/syslog_connection.ts";
import { type ChainEnd, NO_RECORDS, seal } from "../../telemetry/audit_chain.ts";
import type { AuditEvent } from "../../telemetry/audit_event.ts";
import { AUDIT_HEALTH } from "../../telemetry/audit_feed.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { within } from "../within.ts";
import { type AuditSink, openAuditFile } from "./audit_file.ts";

export interface AuditTrailOptions {
  readonly config: AuditConfig;
  readonly logger: Logger;
  /** Writes to standard output; resolves when a slow reader has all of it. */
  readonly print: (text: string) => Promise<void>;
  /** Called with the reason whenever writing fails, and without one when it works again. */
  readonly failing?: (reason: string | undefined) => void;
  readonly count?: (written: number, lost: number) => void;
  /** Delay before writing is retried. */
  readonly retryMs?: number;
  /** How many events are kept while nothing can be written. */
  readonly maxKept?: number;
  /** A write that takes longer counts as failed for requests. */
  readonly writeTimeoutMs?: number;
}

const DEFAULTS = { retryMs: 1_000, maxKept: 20_000, writeTimeoutMs: 5_000 };
/** Under load, records of this time are written together: a write to disk costs as much as 50 records. */
const GROUP_MS = 50;
/** Records per write. */
const MAX_BATCH = 1_000;

export class AuditTrail {
  /** Shows workers whether records can be written. */
  readonly health = new SharedArrayBuffer(4);
  readonly #options: AuditTrailOptions & typeof DEFAULTS;
  readonly #sink: AuditSink;
  #end: ChainEnd;
  #kept: string[] = [];
  #lost = 0;
  #writing: Promise<void> | undefined;
  #timer: number | undefined;
  #writtenMs = -Infinity;
  #closing = false;

  private constructor(options: AuditTrailOptions, sink: AuditSink, end: ChainEnd) {
    this.#options = { ...DEFAULTS, ...options };
    this.#sink = sink;
    this.#end = end;
  }

  /**
   * Opens the trail, also if its syslog server does not answer yet.
   *
   * @throws {Error} When its file cannot be written.
   */
  static async open(options: AuditTrailOptions): Promise<AuditTrail> {
    const { config: { target }, writeTimeoutMs: timeoutMs = DEFAULTS.writeTimeoutMs } = options;
    if (target.kind === "stdout") {
      const write = (lines: readonly string[]) => options.print(`${lines.join("\n")}\n`);
      return new AuditTrail(options, { write, close() {} }, NO_RECORDS);
    }
    if (target.kind === "syslog") {
      return new AuditTrail(options, openSyslog({ ...target, timeoutMs }), NO_RECORDS);
    }
    const { sink, end, cutBytes } = await openAuditFile(target);
    const trail = new AuditTrail(options, sink, end);
    trail.#logEnd("Audit trail opened; it continues after this record");
    if (cutBytes > 0) trail.record([happened("trail", "cut off", { cut_bytes: cutBytes })]);
    return trail;
  }

  /** Records events in their order, as JSON texts. */
  record(events: readonly string[]): void {
    const { maxKept, count } = this.#options;
    const room = Math.max(0, maxKept - this.#kept.length);
    this.#kept.push(...events.slice(0, room));
    const lost = Math.max(0, events.length - room);
    this.#lost += lost;
    // Counted at once, not only when records can be written again.
    if (lost > 0) count?.(0, lost);
    // The other half is for the requests in progress.
    if (this.#kept.length > maxKept / 2) {
      this.#failing("records arrive faster than they can be written");
    }
    this.#start();
  }

  /** Writes the kept events if possible, and closes the sink. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    await this.#finish();
    await this.#sink.close();
    this.#logEnd("Audit trail closed; this is its last record");
    const lost = this.#kept.length + this.#lost;
    if (lost === 0) return;
    this.#options.logger.error("Audit events were lost", { error_code: "INT-004", lost });
    this.#options.count?.(0, this.#kept.length);
  }

  /** Writes the kept events, with a limit for a disk or reader that stalls. */
  async #finish(): Promise<void> {
    const finished = (async () => {
      await this.#writing;
      if (this.#kept.length > 0) await this.#write();
    })();
    await within(this.#options.writeTimeoutMs, finished, undefined);
  }

  /** The log is a second witness: with its anchor, `audit verify` detects that records were cut off. */
  #logEnd(message: string): void {
    const { logger, config } = this.#options;
    if (config.target.kind !== "file") return;
    logger.info(message, { anchor: `${this.#end.sequence}:${this.#end.hash}` });
  }

  /** Starts writing, unless it is in progress or delayed. */
  #start(): void {
    if (this.#closing || this.#writing !== undefined || this.#timer !== undefined) return;
    const waitMs = this.#writtenMs + GROUP_MS - performance.now();
    if (waitMs > 0) return this.#startIn(waitMs);
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      this.#writtenMs = performance.now();
      if (this.#kept.length > 0) this.#start();
    });
  }

  #startIn(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#start();
    }, delayMs);
    Deno.unrefTimer(this.#timer);
  }

  async #write(): Promise<void> {
    const { config, retryMs, maxKept, count } = this.#options;
    try {
      while (this.#kept.length > 0) {
        const events = this.#kept.slice(0, MAX_BATCH);
        const { lines, end } = seal(events, this.#end, config.key);
        await this.#watched(this.#sink.write(lines, end.sequence));
        this.#end = end;
        this.#kept = this.#kept.slice(events.length);
        count?.(events.length, 0);
        if (this.#kept.length <= maxKept / 4) this.#recovered();
      }
    } catch (error) {
      this.#failing(reasonOf(error));
      if (this.#closing) return;
      this.#startIn(retryMs);
    }
  }

  /** A disk that hangs reports no error. */
  async #watched(writing: Promise<void>): Promise<void> {
    const { writeTimeoutMs } = this.#options;
    const timer = setTimeout(() => this.#failing("write timed out"), writeTimeoutMs);
    try {
      await writing;
    } finally {
      clearTimeout(timer);
    }
  }

  #recovered(): void {
    const { logger } = this.#options;
    const view = new Int32Array(this.health);
    if (Atomics.exchange(view, 0, AUDIT_HEALTH.writing) === AUDIT_HEALTH.writing) return;
    logger.info("Audit trail recovered", { lost: this.#lost });
    this.#options.failing?.(undefined);
    if (this.#lost === 0) return;
    this.#kept.push(happened("trail", "records lost", { lost: this.#lost }));
    this.#lost = 0;
  }

  #failing(reason: string): void {
    const { logger, config } = this.#options;
    this.#options.failing?.(reason);
    const before = Atomics.exchange(new Int32Array(this.health), 0, AUDIT_HEALTH.failing);
    if (before === AUDIT_HEALTH.failing) return;
    logger.error("Cannot write the audit trail", {
      error_code: "INT-004",
      reason,
      requests: config.onFailure === "refuse" ? "rejected" : "served without a record",
    });
  }
}

/** Makes an event that ends now, as a JSON text. */
export function happened(
  event: AuditEvent["event"],
  outcome: string,
  details: Readonly<Record<string, string | number | null>> = {},
): string {
  const record: AuditEvent = { time: new Date().toISOString(), event, outcome, ...details };
  return JSON.stringify(record);
}
