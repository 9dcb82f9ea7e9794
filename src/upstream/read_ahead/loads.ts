/**
 * The requests to one store whose answers are for more than one client, or for later, and how their answers
 * are kept.
 */
import type { Transaction } from "../../dicomweb/transaction/transaction.ts";
import type { ForwardRequest } from "../forward_request.ts";
import { type HeldAnswer, overlaps, type ResourcePath } from "./answer_memory.ts";
import { Load, type Loaded } from "./load.ts";
import type { ReadAheadOptions } from "./read_ahead_options.ts";
import type { Viewing } from "./viewing.ts";

/** A longer list or longer metadata is not read for its order. */
export const MAX_LIST_BYTES = 16 * 1024 * 1024;

const KEPT_MS = 3 * 60_000;
/** Metadata shows new instances of a study that is still being acquired. */
const METADATA_KEPT_MS = 60_000;

/** A request to the store, and for what. */
export interface Begun {
  readonly forward: ForwardRequest;
  /** Undefined if its answer is not kept. */
  readonly key?: string | undefined;
  readonly viewing?: Viewing | undefined;
}

export interface LoadsOptions extends Pick<ReadAheadOptions, "server" | "memory" | "begin"> {
  /** Called with each complete answer that may be kept. */
  readonly onLoaded: (transaction: Transaction, loaded: Loaded) => void;
  /** Notes an answer that was read ahead. */
  readonly readerFor: (viewing: Viewing, bytes: number) => HeldAnswer["reader"];
}

export class Loads {
  readonly #options: LoadsOptions;
  /** Requests that can be joined, by the key of their answer. */
  readonly #joinable = new Map<string, Load>();
  /** Those and others, the oldest first. */
  readonly #running = new Set<Load>();
  #isClosed = false;

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  /** The request under way that can be joined. */
  get(key: string): Load | undefined {
    return this.#joinable.get(key);
  }

  has(key: string): boolean {
    return this.#joinable.has(key);
  }

  /** Ends what nobody waits for, and keeps no more answers; resolves when it has ended. */
  async close(reason: unknown): Promise<void> {
    this.#isClosed = true;
    const ahead = [...this.#running].filter(({ isAhead }) => isAhead);
    for (const load of ahead) load.end(reason);
    await Promise.all(ahead.map(({ over }) => over));
  }

  /** Makes a request, which the caller begins. */
  create(
    { forward: { target, transaction, subject }, key, viewing }: Begun,
    isAhead: boolean,
  ): Load {
    const { memory, begin, server, onLoaded, readerFor } = this.#options;
    const controller = new AbortController();
    const { study, series, instance, name } = transaction;
    const keptMs = name === "retrieve-metadata" ? METADATA_KEPT_MS : KEPT_MS;
    const keep = (loaded: Loaded): HeldAnswer | undefined => {
      const { headers, bytes, freshMs, isPrivate } = loaded;
      onLoaded(transaction, loaded);
      const isForNobody = isPrivate && subject === undefined;
      if (key === undefined || isForNobody || this.#isClosed) {
        memory.give(bytes.length);
        return undefined;
      }
      const answer = {
        server,
        resource: { study, series, instance },
        headers,
        bytes,
        subject: isPrivate ? subject : undefined,
        expiresAtMs: memory.now() + Math.min(keptMs, freshMs),
        reader: isAhead && viewing !== undefined ? readerFor(viewing, bytes.length) : undefined,
      };
      memory.put(key, answer);
      return answer;
    };
    const load = new Load({
      running: begin(target, controller.signal),
      controller,
      memory,
      resource: { study, series, instance },
      isAhead,
      maxBytes: key === undefined ? Math.min(memory.maxBytes, MAX_LIST_BYTES) : memory.maxBytes,
      keep,
    });
    if (key !== undefined) this.#joinable.set(key, load);
    this.#running.add(load);
    void load.held.then(() => {
      if (key !== undefined && this.#joinable.get(key) === load) this.#joinable.delete(key);
    });
    void load.over.then(() => this.#running.delete(load));
    return load;
  }

  /** Gives up one request that nobody waits for, the newest first, as a client would have to wait. */
  yieldPlace(): void {
    for (const load of [...this.#running].reverse()) {
      if (!load.isAhead || load.clients > 0) continue;
      this.#running.delete(load);
      load.end(new DOMException("A client needs the place", "AbortError"));
      return;
    }
  }

  /** The answers to requests for a resource may be outdated: they are for nobody else. */
  forget(resource: ResourcePath): void {
    for (const [key, load] of this.#joinable) {
      if (overlaps(load.resource, resource)) this.#joinable.delete(key);
    }
    for (const load of this.#running) if (overlaps(load.resource, resource)) load.forget();
  }
}
