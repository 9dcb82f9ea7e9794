/**
 * Writes lines without waiting for their reader: a stalled log reader must not stop requests. Queues
 * lines up to a bound; beyond it, discards and counts new ones.
 */

export interface LineQueueOptions {
  /** Writes all bytes. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Receives the number of discarded lines once writing works again; may push a line. */
  readonly dropped?: (lines: number) => void;
  /** Limit of queued characters, including those being written. */
  readonly maxCharacters?: number;
}

/** A few thousand lines. */
const MAX_CHARACTERS = 1024 * 1024;

export class LineQueue {
  readonly #options: LineQueueOptions;
  readonly #encoder = new TextEncoder();
  #queued: string[] = [];
  #characters = 0;
  #lost = 0;
  #unreported = 0;
  #isReporting = false;
  #writing: Promise<void> | undefined;

  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  /** Lines discarded so far because the queue was full or writing failed. */
  get lost(): number {
    return this.#lost;
  }

  /** Queues a line, or discards it if the queue is full. */
  push(line: string): void {
    const { maxCharacters = MAX_CHARACTERS } = this.#options;
    const isFull = this.#characters > 0 && this.#characters + line.length > maxCharacters;
    // The line that reports the loss must not be discarded itself.
    if (isFull && !this.#isReporting) return this.#drop(1);
    this.#queued.push(line);
    this.#characters += line.length;
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  /** @returns Whether all lines were written within the time limit. */
  async flush(timeoutMs: number): Promise<boolean> {
    const limit = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => limit.resolve(false), timeoutMs);
    const written = (this.#writing ?? Promise.resolve()).then(() => true);
    const isWritten = await Promise.race([written, limit.promise]);
    clearTimeout(timer);
    return isWritten;
  }

  async #write(): Promise<void> {
    // Lines logged synchronously are written together.
    await Promise.resolve();
    while (this.#queued.length > 0) {
      const lines = this.#queued;
      this.#queued = [];
      const text = lines.join("");
      try {
        await this.#options.write(this.#encoder.encode(text));
        this.#characters -= text.length;
        this.#reportLoss();
      } catch {
        this.#characters -= text.length;
        this.#drop(lines.length);
      }
    }
  }

  #drop(lines: number): void {
    this.#lost += lines;
    this.#unreported += lines;
  }

  #reportLoss(): void {
    const lines = this.#unreported;
    if (lines === 0) return;
    this.#unreported = 0;
    this.#isReporting = true;
    this.#options.dropped?.(lines);
    this.#isReporting = false;
  }
}
