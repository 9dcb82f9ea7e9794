/**
 * Reads a body of a store into memory, as fast as the store sends it, while one client follows. If there
 * is no room, or the body is too long, nothing is kept, and it is read as fast as the client takes it.
 */
import type { Bytes, ByteStream } from "../../dicomweb/bytes.ts";

export interface SharedBodyOptions {
  /** Takes memory, if there is enough. */
  readonly take: (bytes: number) => boolean;
  /** Gives memory back; negative for bytes that are in memory already. */
  readonly give: (bytes: number) => void;
  /** Its length, if known. */
  readonly length: number | undefined;
  /** A longer one is not kept. */
  readonly maxBytes: number;
}

const FIRST_BYTES = 64 * 1024;
const NOTHING: Bytes = new Uint8Array(0);

export class SharedBody {
  /**
   * Resolves with the complete body, whose bytes remain taken; with undefined as soon as it is known that
   * there will be none.
   */
  readonly whole: Promise<Bytes | undefined>;
  /** Resolves when nothing more is read. */
  readonly over: Promise<void>;
  readonly #reader: ReadableStreamDefaultReader<Bytes>;
  readonly #options: SharedBodyOptions;
  readonly #resolveWhole: (bytes: Bytes | undefined) => void;
  #buffer: Bytes = NOTHING;
  #filled = 0;
  /** Up to here, the follower has read. */
  #at = 0;
  #isKept: boolean;
  /** What the follower has not read, if nothing is kept. */
  readonly #queue: Bytes[] = [];
  #follower: "none" | "open" | "gone" = "none";
  #isOver = false;
  #aborted: { readonly reason: unknown } | undefined;
  #failure: { readonly reason: unknown } | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(body: ByteStream, options: SharedBodyOptions) {
    this.#reader = body.getReader();
    this.#options = options;
    const { length, maxBytes } = options;
    this.#isKept = maxBytes > 0 && (length ?? 0) <= maxBytes;
    const { promise, resolve } = Promise.withResolvers<Bytes | undefined>();
    this.whole = promise;
    this.#resolveWhole = resolve;
    if (!this.#isKept) resolve(undefined);
    this.over = this.#read();
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /**
   * The body for the client that began it; called once, at once.
   *
   * @param client Ends it.
   * @param onEnd Called once, when the client has all of it or has gone.
   */
  follow(client: AbortSignal, onEnd: () => void): ByteStream {
    this.#follower = "open";
    const end = (reason: unknown) => {
      if (this.#follower === "gone") return;
      this.#follower = "gone";
      client.removeEventListener("abort", onAbort);
      if (!this.#isKept) this.abort(reason);
      // A body that is over is not aborted, but may have bytes for the follower.
      this.#clearQueue();
      onEnd();
      this.#changes();
    };
    const onAbort = () => end(client.reason);
    client.addEventListener("abort", onAbort);
    return new ReadableStream<Bytes>({
      pull: async (controller) => {
        for (;;) {
          client.throwIfAborted();
          const chunk = this.#next();
          if (chunk !== undefined) return controller.enqueue(chunk);
          if (this.#isOver) {
            end(undefined);
            if (this.#failure !== undefined) throw this.#failure.reason;
            return controller.close();
          }
          await this.#change();
        }
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }

  /** Keeps nothing of it; ends it if nobody follows. */
  unkeep(): void {
    if (!this.#isKept || this.#isOver) return;
    this.#isKept = false;
    const pending = this.#buffer.slice(this.#at, this.#filled);
    this.#options.give(this.#buffer.length);
    this.#buffer = NOTHING;
    this.#resolveWhole(undefined);
    if (this.#follower !== "open") return this.abort(new DOMException("Not kept", "AbortError"));
    if (pending.length > 0) this.#enqueue(pending);
    this.#changes();
  }

  /** Ends it, for the follower too. */
  abort(reason: unknown): void {
    if (this.#isOver || this.#aborted !== undefined) return;
    this.#aborted = { reason };
    this.#clearQueue();
    this.unkeep();
    void this.#reader.cancel(reason).catch(() => {});
    this.#changes();
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        while (!this.#isKept && this.#queue.length > 0 && this.#aborted === undefined) {
          await this.#change();
        }
        const { done, value } = await this.#reader.read();
        // A cancelled body looks complete.
        if (this.#aborted !== undefined) throw this.#aborted.reason;
        if (done) break;
        if (!this.#keep(value)) this.#enqueue(value);
        this.#changes();
      }
      this.#isOver = true;
      if (this.#isKept) this.#resolveWhole(this.#trimmed());
    } catch (reason) {
      this.#failure = { reason };
      this.unkeep();
      this.#isOver = true;
    }
    this.#changes();
  }

  /** @returns Whether the bytes are in the buffer. */
  #keep(bytes: Bytes): boolean {
    if (!this.#isKept) return false;
    const needed = this.#filled + bytes.length;
    if (needed > this.#buffer.length && !this.#grow(needed)) {
      this.unkeep();
      return false;
    }
    this.#buffer.set(bytes, this.#filled);
    this.#filled = needed;
    return true;
  }

  #grow(needed: number): boolean {
    const { length, maxBytes, take } = this.#options;
    if (needed > maxBytes) return false;
    const before = this.#buffer.length;
    const wanted = Math.max(
      needed,
      Math.min(maxBytes, length ?? Math.max(FIRST_BYTES, 2 * before)),
    );
    if (!take(wanted - before)) return false;
    const buffer = new Uint8Array(wanted);
    buffer.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = buffer;
    return true;
  }

  #trimmed(): Bytes {
    const spare = this.#buffer.length - this.#filled;
    if (spare > 0) this.#buffer = this.#buffer.slice(0, this.#filled);
    this.#options.give(spare);
    return this.#buffer;
  }

  #enqueue(bytes: Bytes): void {
    if (this.#aborted !== undefined) return;
    this.#options.give(-bytes.length);
    this.#queue.push(bytes);
  }

  #clearQueue(): void {
    for (const { length } of this.#queue.splice(0)) this.#options.give(length);
  }

  /** What the follower reads next. */
  #next(): Bytes | undefined {
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#options.give(queued.length);
      this.#changes();
      return queued;
    }
    if (!this.#isKept || this.#at === this.#filled) return undefined;
    const bytes = this.#buffer.subarray(this.#at, this.#filled);
    this.#at = this.#filled;
    return bytes;
  }

  #change(): Promise<void> {
    return this.#changed.promise;
  }

  #changes(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
