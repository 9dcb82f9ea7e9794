/**
 * The worker's end of the audit trail: collects events for a moment, posts them to the audit writer,
 * and knows whether writing works.
 */
import type { AuditEvent, AuditRecorder } from "./audit_event.ts";

/** Events are collected for this time; a crash loses them. */
const COLLECT_MS = 10;

export const AUDIT_HEALTH = { writing: 0, failing: 1 } as const;

export interface AuditFeedOptions {
  /** Receives events in order, as JSON texts, which are cheaper to post to another thread. */
  readonly post: (events: readonly string[]) => void;
  /** Shared with the writer: one 32-bit number of {@linkcode AUDIT_HEALTH}. */
  readonly health: SharedArrayBuffer;
  readonly onFailure: "refuse" | "warn";
}

export class AuditFeed implements AuditRecorder {
  readonly #options: AuditFeedOptions;
  readonly #health: Int32Array;
  #collected: string[] = [];
  #timer: number | undefined;

  constructor(options: AuditFeedOptions) {
    this.#options = options;
    this.#health = new Int32Array(options.health);
  }

  get isRefusing(): boolean {
    return this.#options.onFailure === "refuse" &&
      Atomics.load(this.#health, 0) === AUDIT_HEALTH.failing;
  }

  record(event: AuditEvent): void {
    this.#collected.push(JSON.stringify(event));
    this.#timer ??= setTimeout(() => this.flush(), COLLECT_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#collected;
    if (events.length === 0) return;
    this.#collected = [];
    this.#options.post(events);
  }
}
