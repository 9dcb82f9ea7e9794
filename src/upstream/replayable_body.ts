/**
 * The body of a request while it is written, with back-pressure to its writer. Up to a limit, it is kept,
 * so that it can be read again from its beginning when the request has to be sent again.
 */

/** How much may be written ahead of the reader. */
const MAX_AHEAD_BYTES = 256 * 1024;

type Chunk = Uint8Array<ArrayBuffer>;

/** Back-pressure: resolves when there is room for more; undefined if there is room now. */
export type Room = Promise<void> | undefined;

/** A body with one writer and one reader at a time. */
export class ReplayableBody {
  readonly #maxKeptBytes: number;
  /** Everything written so far; undefined once that exceeds the limit. */
  #kept: Chunk[] | undefined = [];
  #bytes = 0;
  #unread: Chunk[] = [];
  #unreadBytes = 0;
  #end: "open" | "ended" | "failed" | "abandoned" = "open";
  #reason: unknown;
  #reader: ReadableStreamDefaultController<Chunk> | undefined;
  /** Wakes the reader, which waits for bytes. */
  #written = Promise.withResolvers<void>();
  /** Wakes the writer, which waits for room. */
  #room: PromiseWithResolvers<void> | undefined;

  /** @param maxKeptBytes Up to this length, the body can be read again. */
  constructor(maxKeptBytes: number) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  /** How much was written while it was open. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it can be read from its beginning. */
  get canReplay(): boolean {
    return this.#kept !== undefined;
  }

  /** Whether it ended and every byte was read, even if the reader has not reached the end itself. */
  get isTaken(): boolean {
    return this.#end === "ended" && this.#unread.length === 0;
  }

  /** Appends bytes, which must not change afterwards; drops them if the body is not open any more. */
  write(chunk: Chunk): Room {
    if (this.#end !== "open" || chunk.length === 0) return undefined;
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxKeptBytes) this.#kept = undefined;
    this.#kept?.push(chunk);
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    this.#written.resolve();
    if (this.#unreadBytes <= MAX_AHEAD_BYTES) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  end(): void {
    this.#finish("ended");
  }

  /** Makes the reader fail. */
  fail(reason: unknown): void {
    this.#reason = reason;
    this.#finish("failed");
  }

  /** Frees everything: nobody will read on. */
  abandon(): void {
    this.#finish("abandoned");
    this.#kept = undefined;
    this.#unread = [];
    this.#unreadBytes = 0;
  }

  /**
   * Reads it from its beginning. A previous reader fails.
   *
   * @throws {TypeError} If the body was not kept.
   */
  open(): ReadableStream<Chunk> {
    if (this.#kept === undefined) throw new TypeError("Cannot read a body again that is gone");
    this.#reader?.error(new TypeError("Cannot read on: the body is read by another"));
    this.#unread = [...this.#kept];
    this.#unreadBytes = this.#bytes;
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
    // Another reader may have begun meanwhile.
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
