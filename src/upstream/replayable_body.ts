/**
 * The body of a request as it is being written: it is read as fast as the other side takes it, and
 * its writer waits. While it is short, what was read is kept, so that it can be read once more from its
 * beginning when the request has to be sent again.
 *
 * @module
 */

/** How much may be written ahead of the reader: enough to bridge a moment, little enough for many. */
const MAX_AHEAD_BYTES = 256 * 1024;

type Chunk = Uint8Array<ArrayBuffer>;

/** A body with one writer and one reader at a time. */
export class ReplayableBody {
  readonly #maxKeptBytes: number;
  /** Everything written so far; nothing once that became too much. */
  #kept: Chunk[] | undefined = [];
  #keptBytes = 0;
  #unread: Chunk[] = [];
  #unreadBytes = 0;
  #end: "open" | "ended" | "failed" | "abandoned" = "open";
  #reason: unknown;
  #reader: ReadableStreamDefaultController<Chunk> | undefined;
  /** Wakes the reader, which waits for bytes. */
  #written = Promise.withResolvers<void>();
  /** Wakes the writer, which waits for room. */
  #room: PromiseWithResolvers<void> | undefined;

  /** @param maxKeptBytes Up to which length the body can be read again. */
  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  /** Whether it can be read from its beginning. */
  get canReplay(): boolean {
    return this.#kept !== undefined;
  }

  /** Whether it ended and all of it was read. The reader need not have asked for the end itself. */
  get isTaken(): boolean {
    return this.#end === "ended" && this.#unread.length === 0;
  }

  /**
   * Writes. What is written to a body that no one reads any more is dropped.
   *
   * @param chunk The bytes; they must not change afterwards.
   * @returns When there is room for more; nothing where there is.
   */
  write(chunk: Chunk): Promise<void> | undefined {
    if (this.#end !== "open" || chunk.length === 0) return undefined;
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > this.#maxKeptBytes) this.#kept = undefined;
    this.#kept?.push(chunk);
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    this.#written.resolve();
    if (this.#unreadBytes <= MAX_AHEAD_BYTES) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Tells that all is written. */
  end(): void {
    this.#finish("ended");
  }

  /** @param reason Why the reader shall fail instead of coming to an end. */
  fail(reason: unknown): void {
    this.#reason = reason;
    this.#finish("failed");
  }

  /** Lets go of everything: no one will read on. */
  abandon(): void {
    this.#finish("abandoned");
    this.#kept = undefined;
    this.#unread = [];
    this.#unreadBytes = 0;
  }

  /**
   * Reads it, from its beginning. A reader from before gets nothing more.
   *
   * @throws {TypeError} When it was read and not kept.
   */
  open(): ReadableStream<Chunk> {
    if (this.#kept === undefined) throw new TypeError("Cannot read a body again that is gone");
    this.#reader?.error(new TypeError("Cannot read on: the body is read by another"));
    this.#unread = [...this.#kept];
    this.#unreadBytes = this.#keptBytes;
    return new ReadableStream<Chunk>({
      start: (controller) => {
        this.#reader = controller;
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => {
        this.#reader = undefined;
      },
    }, { highWaterMark: 0 });
  }

  async #pull(controller: ReadableStreamDefaultController<Chunk>): Promise<void> {
    while (this.#unread.length === 0 && this.#end === "open") {
      this.#written = Promise.withResolvers();
      await this.#written.promise;
    }
    // While it waited, another may have begun to read.
    if (this.#reader !== controller) return;
    const chunk = this.#end === "failed" ? undefined : this.#unread.shift();
    if (chunk !== undefined) {
      this.#unreadBytes -= chunk.length;
      if (this.#unreadBytes <= MAX_AHEAD_BYTES) this.#makeRoom();
      return controller.enqueue(chunk);
    }
    this.#reader = undefined;
    if (this.#end === "ended") controller.close();
    else controller.error(this.#reason ?? new TypeError("Cannot read on: the body is gone"));
  }

  #finish(end: "ended" | "failed" | "abandoned"): void {
    if (this.#end === "open" || end === "abandoned") this.#end = end;
    this.#written.resolve();
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}
