/**
 * Complete answers of stores in the memory of one worker, for minutes: what was used longest ago goes
 * first, but not what a viewer will ask for next. Nothing is written to disk.
 */
import type { Bytes } from "../../dicomweb/bytes.ts";
import type { ByteBudget, Evictable } from "../holding_room.ts";

/** What an answer is about. */
export interface ResourcePath {
  readonly study?: string | undefined;
  readonly series?: string | undefined;
  readonly instance?: string | undefined;
}

/** A complete answer with status 200. */
export interface HeldAnswer {
  readonly server: string;
  readonly resource: ResourcePath;
  /** Of the answer as the store's dialect has it. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bytes: Bytes;
  /** For this client only. */
  readonly subject: string | undefined;
  /** By the monotonic clock. */
  readonly expiresAtMs: number;
  /** Who has it read ahead; undefined if a client asked for it. */
  readonly reader?: {
    /** Whether it may be asked for soon. */
    readonly isAwaited: () => boolean;
    /** Called once, when a client is given it, or when it is removed without. */
    readonly settled: (isUsed: boolean) => void;
  } | undefined;
}

/** Small answers cost more than their bytes. */
const MAX_ANSWERS = 20_000;
/** Share of the memory that one answer may have. */
const LARGEST_SHARE = 1 / 4;
const SWEEP_MS = 10_000;

interface Entry {
  readonly answer: HeldAnswer;
  isUsed: boolean;
}

export class AnswerMemory implements Evictable {
  /** Longer ones are not kept. */
  readonly maxBytes: number;
  /** The monotonic clock, in milliseconds. */
  readonly now: () => number;
  readonly #budget: ByteBudget;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #timer: number | undefined;

  /**
   * @param budget Shared with others, for whom answers are removed.
   */
  constructor(budget: ByteBudget, now: () => number = () => performance.now()) {
    this.#budget = budget;
    this.now = now;
    this.maxBytes = Math.floor(budget.total * LARGEST_SHARE);
    budget.evictable = this;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** All that can ever be held. */
  get totalBytes(): number {
    return this.#budget.total;
  }

  has(key: string, subject: string | undefined): boolean {
    return this.#current(key, subject) !== undefined;
  }

  /** The answer for a client, if there is one. */
  get(key: string, subject: string | undefined): HeldAnswer | undefined {
    const entry = this.#current(key, subject);
    if (entry === undefined) return undefined;
    const { answer } = entry;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (!entry.isUsed) {
      entry.isUsed = true;
      answer.reader?.settled(true);
    }
    return answer;
  }

  /** @param answer Its bytes have been taken by {@linkcode take}. */
  put(key: string, answer: HeldAnswer): void {
    this.#remove(key);
    this.#entries.set(key, { answer, isUsed: answer.reader === undefined });
    this.#bytes += answer.bytes.length;
    if (this.#entries.size > MAX_ANSWERS) this.#removeFirst();
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
      Deno.unrefTimer(this.#timer);
    }
  }

  /**
   * Takes memory.
   *
   * @param isAhead Nobody waits for it: what is awaited is not removed for it.
   */
  take(bytes: number, isAhead: boolean): boolean {
    if (isAhead && bytes > this.#budget.free) {
      this.#evict(bytes - this.#budget.free, isSpare);
      if (bytes > this.#budget.free) return false;
    }
    return this.#budget.take(bytes);
  }

  give(bytes: number): void {
    this.#budget.give(bytes);
  }

  evict(bytes: number): void {
    const left = this.#evict(bytes, isSpare);
    if (left > 0) this.#evict(left, () => true);
  }

  /** Removes what is held of a resource, of what it is in and of what is in it, or all of a server. */
  drop(server: string, resource: ResourcePath = {}): void {
    for (const [key, { answer }] of this.#entries) {
      if (answer.server === server && overlaps(answer.resource, resource)) this.#remove(key);
    }
  }

  /** Removes what has expired. */
  sweep(): void {
    const now = this.now();
    for (const [key, { answer }] of this.#entries) {
      if (answer.expiresAtMs <= now) this.#remove(key);
    }
  }

  close(): void {
    for (const key of this.#entries.keys()) this.#remove(key);
  }

  /** @returns How many bytes are missing. */
  #evict(bytes: number, mayGo: (entry: Entry) => boolean): number {
    let left = bytes;
    for (const [key, entry] of this.#entries) {
      if (left <= 0) break;
      if (!mayGo(entry)) continue;
      left -= entry.answer.bytes.length;
      this.#remove(key);
    }
    return left;
  }

  #current(key: string, subject: string | undefined): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.answer.expiresAtMs <= this.now()) {
      this.#remove(key);
      return undefined;
    }
    return isFor(entry.answer, subject) ? entry : undefined;
  }

  #removeFirst(): void {
    for (const key of this.#entries.keys()) return this.#remove(key);
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const { bytes: { length }, reader } = entry.answer;
    this.#bytes -= length;
    this.#budget.give(length);
    if (!entry.isUsed) reader?.settled(false);
    if (this.#entries.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}

/** Whether no viewer is expected to ask for an answer next. */
function isSpare({ isUsed, answer }: Entry): boolean {
  return isUsed || answer.reader?.isAwaited() !== true;
}

/** Whether an answer is for a client. */
export function isFor({ subject: only }: HeldAnswer, subject: string | undefined): boolean {
  return only === undefined || only === subject;
}

/** Whether a resource is another one, or is in it, or contains it. */
export function overlaps(one: ResourcePath, other: ResourcePath): boolean {
  return (["study", "series", "instance"] as const).every((level) =>
    one[level] === undefined || other[level] === undefined || one[level] === other[level]
  );
}
