/**
 * Fetches the instances of a list, several at a time, and returns them in its order. What arrives before it
 * can be sent is kept in memory up to a bound; beyond that, only the instance that is being sent is read. An
 * instance that cannot be fetched is retried once at the end.
 */
import type { MultipartPartInit } from "../dicomweb/multipart/multipart_writer.ts";
import type { ByteBudget } from "./holding_room.ts";
import type { ListedInstance } from "./listed_instance.ts";

type Chunk = Uint8Array<ArrayBuffer>;

type Fetched =
  | {
    readonly part: MultipartPartInit;
    /** Why not all of it could be received, if that is known. */
    readonly breakOff?: () => Failure | undefined;
  }
  | Failure;

interface Failure {
  readonly failure: unknown;
}

export interface FetchQueueOptions {
  /** How many instances are fetched at once. */
  readonly concurrency: number;
  /** Shared with others. */
  readonly memory: ByteBudget;
  readonly signal: AbortSignal;
}

/** How many instances are fetched before the first of them is sent, for each that is being fetched. */
const AHEAD_FOR_EACH = 4;

export class FetchQueue {
  readonly #fetchOne: (instance: ListedInstance) => Promise<MultipartPartInit>;
  readonly #waiting: ListedInstance[];
  readonly #ahead: { readonly instance: ListedInstance; readonly fetched: Promise<Fetched> }[] = [];
  readonly #options: FetchQueueOptions;
  /** Bytes in memory. */
  #held = 0;
  readonly #failed: ListedInstance[] = [];
  /** Instances of which not everything is received. */
  #running = 0;
  lastFailure: unknown;

  constructor(
    instances: readonly ListedInstance[],
    options: FetchQueueOptions,
    fetchOne: (instance: ListedInstance) => Promise<MultipartPartInit>,
  ) {
    this.#waiting = [...instances].reverse();
    this.#options = options;
    this.#fetchOne = fetchOne;
  }

  /** The next instance; undefined if no other one could be fetched. */
  async next(): Promise<MultipartPartInit | undefined> {
    return await this.#nextInOrder() ?? await this.#nextRetried();
  }

  async #nextInOrder(): Promise<MultipartPartInit | undefined> {
    for (;;) {
      this.#fetchMore();
      const oldest = this.#ahead.shift();
      if (oldest === undefined) return undefined;
      const fetched = await oldest.fetched;
      // Of one that broke off, nothing was sent yet.
      const failed = "part" in fetched ? fetched.breakOff?.() : fetched;
      if ("part" in fetched) {
        if (failed === undefined) return fetched.part;
        await cancel(fetched.part);
      }
      this.#record(failed!.failure);
      this.#failed.push(oldest.instance);
    }
  }

  #fetchMore(): void {
    const { concurrency } = this.#options;
    while (this.#running < concurrency && this.#ahead.length < AHEAD_FOR_EACH * concurrency) {
      const instance = this.#waiting.pop();
      if (instance === undefined) return;
      this.#running++;
      this.#ahead.push({ instance, fetched: this.#fetch(instance) });
    }
  }

  async #fetch(instance: ListedInstance): Promise<Fetched> {
    const received = () => {
      this.#running--;
      this.#fetchMore();
    };
    const fetched = await settle(this.#fetchOne(instance));
    if (!("part" in fetched) || !(fetched.part.body instanceof ReadableStream)) {
      received();
      return fetched;
    }
    const { memory } = this.#options;
    const { body, breakOff } = readAhead(fetched.part.body, {
      // Half of what there is for one retrieval, half of the rest for another, and so on.
      hasRoom: () => this.#held < memory.left,
      hold: (bytes) => {
        this.#held += bytes;
        memory.give(-bytes);
      },
      received,
    });
    return { part: { ...fetched.part, body }, breakOff };
  }

  async #nextRetried(): Promise<MultipartPartInit | undefined> {
    for (let instance = this.#failed.shift(); instance; instance = this.#failed.shift()) {
      const fetched = await settle(this.#fetchOne(instance));
      if ("part" in fetched) return fetched.part;
      this.#record(fetched.failure);
    }
    return undefined;
  }

  /** @throws The signal's reason when it has aborted: all others would fail, too. */
  #record(failure: unknown): void {
    this.#options.signal.throwIfAborted();
    this.lastFailure = failure;
  }

  /** Cancels what was fetched ahead. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    for (const { fetched } of this.#ahead.splice(0)) {
      const outcome = await fetched;
      if ("part" in outcome) await cancel(outcome.part);
    }
  }
}

async function cancel({ body }: MultipartPartInit): Promise<void> {
  if (body instanceof ReadableStream) await body.cancel().catch(() => {});
}

interface Ahead {
  readonly hasRoom: () => boolean;
  /** @param bytes Negative for those that are not held any more. */
  readonly hold: (bytes: number) => void;
  /** Called once, when nothing more will be received. */
  readonly received: () => void;
}

/** Reads a body before it is asked for, as long as there is room. */
function readAhead(
  body: ReadableStream<Chunk>,
  { hasRoom, hold, received }: Ahead,
): { readonly body: ReadableStream<Chunk>; readonly breakOff: () => Failure | undefined } {
  const reader = body.getReader();
  const chunks: Chunk[] = [];
  let isOver = false;
  let failed: Failure | undefined;
  let reading: Promise<void> | undefined;

  const over = () => {
    if (isOver) return;
    isOver = true;
    received();
  };
  const readOnce = async () => {
    try {
      const { done, value } = await reader.read();
      if (done) return over();
      hold(value.length);
      chunks.push(value);
    } catch (failure) {
      failed = { failure };
      over();
    } finally {
      reading = undefined;
    }
  };
  const read = () => reading ??= readOnce();
  const readOn = async () => {
    while (!isOver && hasRoom()) await read();
  };
  void readOn();
  const ahead = new ReadableStream<Chunk>({
    async pull(controller) {
      while (chunks.length === 0 && !isOver) await read();
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        hold(-chunk.length);
        return controller.enqueue(chunk);
      }
      if (failed !== undefined) throw failed.failure;
      controller.close();
    },
    async cancel(reason) {
      // The transfer is over: nothing more is fetched.
      isOver = true;
      await reader.cancel(reason).catch(() => {});
      await reading;
      for (const { length } of chunks.splice(0)) hold(-length);
    },
  }, { highWaterMark: 0 });
  return { body: ahead, breakOff: () => failed };
}

async function settle(promise: Promise<MultipartPartInit>): Promise<Fetched> {
  try {
    return { part: await promise };
  } catch (failure) {
    return { failure };
  }
}
