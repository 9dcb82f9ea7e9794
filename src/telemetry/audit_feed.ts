/**
 * The worker's end of the audit trail: gathers what happened for a moment and hands it to the one who
 * writes, and knows whether writing works.
 *
 * @module
 */
import type { AuditEvent, AuditRecorder } from "./audit_event.ts";

/** How long events are gathered: what a worker that crashes can take with it. */
const GATHER_MS = 10;

/** States in the shared memory that tells whether records can be written. */
export const AUDIT_HEALTH = { writing: 0, failing: 1 } as const;

/** What a feed works with. */
export interface AuditFeedOptions {
  /** Takes events as JSON texts, in their order: texts are handed to another thread at less cost. */
  readonly post: (events: readonly string[]) => void;
  /** Memory shared with who writes: one 32-bit number of {@linkcode AUDIT_HEALTH}. */
  readonly health: SharedArrayBuffer;
  readonly onFailure: "refuse" | "warn";
}

/** Hands events on. */
export class AuditFeed implements AuditRecorder {
  readonly #options: AuditFeedOptions;
  readonly #health: Int32Array;
  #gathered: string[] = [];
  #timer: number | undefined;

  /** @param options What it works with. */
  constructor(options: AuditFeedOptions) {
    this.#options = options;
    this.#health = new Int32Array(options.health);
  }

  /** Whether nothing can be recorded now, and nothing is to be done then. */
  get isRefusing(): boolean {
    return this.#options.onFailure === "refuse" &&
      Atomics.load(this.#health, 0) === AUDIT_HEALTH.failing;
  }

  /** @param event What happened. */
  record(event: AuditEvent): void {
    this.#gathered.push(JSON.stringify(event));
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Hands over what was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#gathered;
    if (events.length === 0) return;
    this.#gathered = [];
    this.#options.post(events);
  }
}
