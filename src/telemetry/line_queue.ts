/**
 * Writes lines without waiting for whoever reads them: a log reader that stalls must not stop requests.
 * Lines wait up to a bound; beyond it new ones are dropped and counted.
 *
 * @module
 */

/** How lines are written. */
export interface LineQueueOptions {
  /**
   * Writes bytes.
   *
   * @returns When all of them are written.
   */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Told how many lines were dropped, once lines are written again. May push a line. */
  readonly dropped?: (lines: number) => void;
  /** Most characters that wait or are being written. */
  readonly maxCharacters?: number;
}

/** A few thousand lines. */
const MAX_CHARACTERS = 1024 * 1024;

/** Lines that wait to be written. */
export class LineQueue {
  readonly #options: LineQueueOptions;
  readonly #encoder = new TextEncoder();
  #waiting: string[] = [];
  #characters = 0;
  #lost = 0;
  #untold = 0;
  #isTelling = false;
  #writing: Promise<void> | undefined;

  /** @param options How lines are written. */
  constructor(options: LineQueueOptions) {
    this.#options = options;
  }

  /** How many lines were dropped since the start, for want of room or because writing failed. */
  get lost(): number {
    return this.#lost;
  }

  /** Adds a line, or drops it where there is no room. */
  push(line: string): void {
    const { maxCharacters = MAX_CHARACTERS } = this.#options;
    const isFull = this.#characters > 0 && this.#characters + line.length > maxCharacters;
    // The line that says how many were dropped must not be dropped itself.
    if (isFull && !this.#isTelling) {
      return this.#drop(1);
    }
    this.#waiting.push(line);
    this.#characters += line.length;
    this.#writing ??= this.#write().finally(() => this.#writing = undefined);
  }

  /**
   * Waits until all lines are written.
   *
   * @param timeoutMs How long to wait at most.
   */
  async flush(timeoutMs: number): Promise<boolean> {
    const limit = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => limit.resolve(false), timeoutMs);
    const written = (this.#writing ?? Promise.resolve()).then(() => true);
    const isWritten = await Promise.race([written, limit.promise]);
    clearTimeout(timer);
    return isWritten;
  }

  async #write(): Promise<void> {
    // What is logged in one go is written in one go.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      const text = lines.join("");
      try {
        await this.#options.write(this.#encoder.encode(text));
        this.#characters -= text.length;
        this.#tell();
      } catch {
        // Nobody is left to tell it to.
        this.#characters -= text.length;
        this.#drop(lines.length);
      }
    }
  }

  #drop(lines: number): void {
    this.#lost += lines;
    this.#untold += lines;
  }

  #tell(): void {
    const lines = this.#untold;
    if (lines === 0) return;
    this.#untold = 0;
    this.#isTelling = true;
    this.#options.dropped?.(lines);
    this.#isTelling = false;
  }
}
