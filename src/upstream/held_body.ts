/**
 * The body of a request that is held until it is complete, so that it can be sent with its length, and
 * sent again. Where there is no room to hold it, it is sent while it is written.
 */
import { createHash } from "node:crypto";
import type { KeptBody } from "../credentials/authorizer.ts";
import { SizedBody } from "../network/sized_body.ts";
import type { SpoolFile } from "../credentials/spool_file.ts";
import type { HoldingRoom } from "./holding_room.ts";
import { ReplayableBody, type Room } from "./replayable_body.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** From the first byte to before the last. */
interface Range {
  readonly start: number;
  readonly end: number;
}

const BLOCK_BYTES = 64 * 1024;

export class HeldBody {
  readonly #room: HoldingRoom;
  readonly #onFull: (error: unknown) => void;
  /**
   * What is in memory. Received chunks, which clients may choose small, would take many times their bytes;
   * and blocks are freed without waiting for a garbage collection.
   */
  #blocks: Chunk[] = [];
  /** Bytes in the last block. */
  #filled = 0;
  #file: SpoolFile | undefined;
  #taken = { memory: 0, disk: 0 };
  #bytes = 0;
  /** The complete instances with the delimiters before them. */
  readonly #instances: Range[] = [];
  #closing: Chunk | undefined;
  /** What is written once there is no room: it is not held. */
  #rest: { readonly body: ReplayableBody; readonly stream: ReadableStream<Chunk> } | undefined;
  readonly #sendable = Promise.withResolvers<void>();
  #isTaken = false;

  /** @param onFull Called when there is no more room, with the error if the disk is full. */
  constructor(room: HoldingRoom, onFull: (error: unknown) => void) {
    this.#room = room;
    this.#onFull = onFull;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when it can be sent: it is complete, or there is no room to wait for that. */
  get sendable(): Promise<void> {
    return this.#sendable.promise;
  }

  /** Whether all of it is held, so that it can be sent again. */
  get isHeld(): boolean {
    return this.#rest === undefined;
  }

  /** Whether it was sent completely. */
  get isTaken(): boolean {
    return this.#rest === undefined ? this.#isTaken : this.#rest.body.isTaken;
  }

  /** Appends bytes, which must not change afterwards. Nothing may be written before there is room. */
  write(chunk: Chunk): Room {
    this.#bytes += chunk.length;
    if (this.#rest !== undefined) return this.#rest.body.write(chunk);
    if (this.#file === undefined && this.#room.memory.take(chunk.length)) {
      this.#taken.memory += chunk.length;
      this.#append(chunk);
      return undefined;
    }
    return this.#spool(chunk);
  }

  /** All bytes since the last instance are one. */
  endInstance(): void {
    const start = this.#instances.at(-1)?.end ?? 0;
    this.#instances.push({ start, end: this.#bytes });
  }

  /** @param closing The closing delimiter. */
  end(closing: Chunk): void {
    this.#closing = closing;
    this.#rest?.body.write(closing);
    this.#rest?.body.end();
    this.#sendable.resolve();
  }

  /**
   * Drops the incomplete instance at its end, and returns whether that is possible and leaves any: not if
   * its beginning was sent. Otherwise the body fails.
   */
  cut(reason: unknown, closing: Chunk): boolean {
    this.#rest?.body.fail(reason);
    if (this.#rest !== undefined || this.#instances.length === 0) return false;
    this.end(closing);
    return true;
  }

  abandon(): void {
    this.#rest?.body.abandon();
    this.#file?.close();
    for (const { buffer } of this.#blocks.splice(0)) buffer.transfer(0);
    this.#room.memory.give(this.#taken.memory);
    this.#room.disk.give(this.#taken.disk);
    this.#taken = { memory: 0, disk: 0 };
    this.#sendable.resolve();
  }

  /**
   * The body to send: held, or a stream that can be sent once.
   *
   * @param only Which instances, by their order; all unless given.
   */
  toSend(only?: ReadonlySet<number>): { readonly kept: KeptBody } | {
    readonly body: ReadableStream<Chunk>;
  } {
    if (this.#rest !== undefined) return { body: this.#rest.stream };
    const closing = this.#closing;
    if (closing === undefined) throw new TypeError("Cannot send a body that is not complete");
    const ranges = this.#instances.filter((_, index) => only?.has(index) ?? true);
    const length = ranges.reduce((sum, { start, end }) => sum + end - start, closing.length);
    const open = () => this.#open(ranges, closing);
    return {
      kept: {
        length,
        sha256: () => sha256(open()),
        open: () => new SizedBody(length, open),
        close: () => {},
      },
    };
  }

  #open(ranges: readonly Range[], closing: Chunk): ReadableStream<Chunk> {
    this.#isTaken = false;
    const held = within(this.#held(), ranges);
    return new ReadableStream<Chunk>({
      pull: async (controller) => {
        const { done, value } = await held.next();
        if (!done) return controller.enqueue(value);
        controller.enqueue(closing);
        controller.close();
        this.#isTaken = true;
      },
      cancel: async () => void await held.return(undefined),
    }, { highWaterMark: 0 });
  }

  async *#held(): AsyncGenerator<Chunk, void> {
    if (this.#file === undefined) yield* this.#inMemory();
    else yield* this.#file.read();
  }

  #append(chunk: Chunk): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#blocks.length === 0 || this.#filled === BLOCK_BYTES) {
        this.#blocks.push(new Uint8Array(BLOCK_BYTES));
        this.#filled = 0;
      }
      const part = chunk.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#blocks.at(-1)!.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
    }
  }

  #inMemory(): Chunk[] {
    const last = this.#blocks.length - 1;
    return this.#blocks.map((block, at) => at === last ? block.subarray(0, this.#filled) : block);
  }

  async #spool(chunk: Chunk): Promise<void> {
    const { disk } = this.#room;
    try {
      const needed = this.#file === undefined ? this.#bytes : chunk.length;
      if (!disk.take(needed)) return await this.#sendRest([chunk], undefined);
      this.#taken.disk += needed;
      if (this.#file === undefined) {
        this.#file = await this.#room.createFile();
        for (const block of this.#inMemory()) {
          await this.#file.write(block);
          this.#blocks.shift()!.buffer.transfer(0);
        }
        this.#room.memory.give(this.#taken.memory);
        this.#taken.memory = 0;
      }
      await this.#file.write(chunk);
    } catch (error) {
      const unwritten = this.#file === undefined
        ? [chunk]
        : rest([...this.#inMemory(), chunk], this.#bytes - this.#file.length);
      await this.#sendRest(unwritten, error);
    }
  }

  /** Sends what is held, and the rest as it comes. */
  #sendRest(unwritten: readonly Chunk[], error: unknown): Room {
    this.#onFull(error);
    const body = new ReplayableBody(0);
    const written = body.open();
    const stream = ReadableStream.from(concat(this.#held(), written));
    this.#rest = { body, stream };
    this.#sendable.resolve();
    let room: Room;
    for (const chunk of unwritten) room = body.write(chunk);
    return room;
  }
}

async function* concat(
  ...parts: readonly AsyncIterable<Chunk>[]
): AsyncGenerator<Chunk, void> {
  for (const part of parts) yield* part;
}

/** The last `length` bytes. */
function rest(chunks: readonly Chunk[], length: number): Chunk[] {
  const last: Chunk[] = [];
  for (const chunk of chunks.toReversed()) {
    if (length === 0) break;
    const part = chunk.subarray(Math.max(0, chunk.length - length));
    last.unshift(part);
    length -= part.length;
  }
  return last;
}

/** The bytes of the ranges, which follow each other. */
async function* within(
  chunks: AsyncIterable<Chunk>,
  ranges: readonly Range[],
): AsyncGenerator<Chunk, void> {
  let at = 0;
  let next = 0;
  for await (const chunk of chunks) {
    const end = at + chunk.length;
    for (
      let range = ranges[next];
      range !== undefined && range.start < end;
      range = ranges[++next]
    ) {
      const part = chunk.subarray(Math.max(0, range.start - at), range.end - at);
      if (part.length > 0) yield part;
      if (range.end > end) break;
    }
    at = end;
    if (next === ranges.length) return;
  }
}

async function sha256(body: ReadableStream<Chunk>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of body) hash.update(chunk);
  return hash.digest("hex");
}
