/**
 * Counts what clients have used of their quotas, for all workers of a gateway: the table lies in
 * memory that the workers share. Each client has one number, the time at which its quota would be
 * full again (generic cell rate algorithm, as in ITU-T I.371): a quota of 60 a minute lets 60 through at
 * once and then one a second. Memory is fixed; where more clients come at once than there are places,
 * those that have used least are forgotten, which gives them their quota back and takes nobody's away.
 *
 * @module
 */
import { createHmac, randomFillSync } from "node:crypto";
import { BoundedCache } from "../../dicomweb/bounded_cache.ts";

/** How much a client may use. */
export interface QuotaLimit {
  readonly requests: number;
  readonly windowMs: number;
}

/** What is left of a client's quota. */
export interface Quota {
  readonly isExhausted: boolean;
  /** How many more requests pass now. */
  readonly remaining: number;
  /** After which time one more passes; 0 where one passes now. */
  readonly retryAfterMs: number;
  /** After which time the whole quota is there again. */
  readonly fullAfterMs: number;
}

/** Clients that a table has places for. */
const PLACES = 65_536;
/** Places among which one client may have its own. */
const WAYS = 8;
const NS_PER_MS = 1e6;
const SEED_BYTES = 32;
/** The seed, and when the table was made: times in it are counted from there, so that they are exact. */
const HEAD_BYTES = SEED_BYTES + 8;

/** Where a client's number may be, and how it is told from others. */
interface Address {
  readonly base: number;
  readonly tag: bigint;
}

/**
 * Makes the memory of a table.
 *
 * @param now The wall clock in milliseconds.
 * @returns Memory to hand to every worker, 1 MiB.
 */
export function createQuotaMemory(now: () => number = Date.now): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEAD_BYTES + PLACES * 16);
  const seed = randomFillSync(new Uint8Array(SEED_BYTES));
  new Uint8Array(memory).set(seed);
  new Float64Array(memory, SEED_BYTES, 1)[0] = now();
  return memory;
}

/** A view of the table. */
export class QuotaTable {
  readonly #seed: Uint8Array;
  readonly #tags: BigInt64Array;
  /** Nanoseconds since the table was made. */
  readonly #fullAt: BigInt64Array;
  readonly #now: () => number;
  readonly #madeAtMs: number;
  readonly #addresses = new BoundedCache<Address>({ maxEntries: 10_000, maxKeyLength: 512 });

  /** @param now The wall clock in milliseconds, the same for all workers. */
  constructor(memory: SharedArrayBuffer, now: () => number) {
    this.#seed = new Uint8Array(memory).slice(0, SEED_BYTES);
    this.#madeAtMs = new Float64Array(memory, SEED_BYTES, 1)[0] ?? 0;
    this.#tags = new BigInt64Array(memory, HEAD_BYTES, PLACES);
    this.#fullAt = new BigInt64Array(memory, HEAD_BYTES + PLACES * 8, PLACES);
    this.#now = now;
  }

  /**
   * Uses one of a client's quota, unless it is exhausted.
   *
   * @param limit How much they may use.
   */
  take(client: string, limit: QuotaLimit): Quota {
    return this.#change(client, limit, 1);
  }

  /**
   * Gives back one that was taken.
   *
   * @param limit How much they may use.
   */
  giveBack(client: string, limit: QuotaLimit): void {
    this.#change(client, limit, -1);
  }

  /**
   * Looks at a client's quota.
   *
   * @param limit How much they may use.
   */
  look(client: string, limit: QuotaLimit): Quota {
    return this.#change(client, limit, 0);
  }

  /**
   * Uses up the whole of a client's quota, also where some of it is used already.
   *
   * @param limit How much they may use.
   */
  exhaust(client: string, { windowMs }: QuotaLimit): void {
    const place = this.#placeOf(client, true);
    const fullAtMs = this.#now() - this.#madeAtMs + windowMs;
    Atomics.store(this.#fullAt, place!, BigInt(Math.round(fullAtMs * NS_PER_MS)));
  }

  /**
   * A name for what must not be kept as it is.
   *
   * @returns A digest under the table's key, the same in every worker.
   */
  nameOf(secret: string): string {
    return createHmac("sha256", this.#seed).update(secret).digest("base64");
  }

  #change(client: string, { requests, windowMs }: QuotaLimit, amount: -1 | 0 | 1): Quota {
    const nowNs = (this.#now() - this.#madeAtMs) * NS_PER_MS;
    const windowNs = windowMs * NS_PER_MS;
    const eachNs = windowNs / requests;
    const place = this.#placeOf(client, amount === 1);
    if (place === undefined) {
      return { isExhausted: false, remaining: requests, retryAfterMs: 0, fullAfterMs: 0 };
    }
    for (;;) {
      const before = Atomics.load(this.#fullAt, place);
      const aheadNs = Number(before) - nowNs;
      // Further ahead than a full window: the clock was set back, or the limit was another.
      const usedNs = aheadNs > 0 && aheadNs <= windowNs + requests + 1 ? aheadNs : 0;
      // Each request's time was rounded to a nanosecond.
      const tooMuchNs = usedNs + eachNs - windowNs - requests;
      const isExhausted = tooMuchNs > 0;
      const isTaken = amount === 1 && !isExhausted;
      const afterNs = isTaken
        ? usedNs + eachNs
        : Math.max(0, amount < 0 ? usedNs - eachNs : usedNs);
      const quota = {
        isExhausted,
        remaining: Math.max(0, Math.floor((windowNs + requests - afterNs) / eachNs)),
        retryAfterMs: isExhausted ? tooMuchNs / NS_PER_MS : 0,
        fullAfterMs: afterNs / NS_PER_MS,
      };
      if (afterNs === usedNs) return quota;
      const after = BigInt(Math.round(nowNs + afterNs));
      if (Atomics.compareExchange(this.#fullAt, place, before, after) === before) return quota;
    }
  }

  /** The place of a client's number; a new one only where it is to be written. */
  #placeOf(client: string, claims: boolean): number | undefined {
    const { base, tag } = this.#addresses.get(client, () => this.#addressOf(client));
    for (;;) {
      let least = base;
      for (let place = base; place < base + WAYS; place++) {
        if (Atomics.load(this.#tags, place) === tag) return place;
        if (Atomics.load(this.#fullAt, place) < Atomics.load(this.#fullAt, least)) least = place;
      }
      if (!claims) return undefined;
      const former = Atomics.load(this.#tags, least);
      if (former === tag) return least;
      if (Atomics.compareExchange(this.#tags, least, former, tag) === former) {
        Atomics.store(this.#fullAt, least, 0n);
        return least;
      }
    }
  }

  /** Keyed, so that nobody can choose an address that shares its number with someone else's. */
  #addressOf(client: string): Address {
    const digest = createHmac("sha256", this.#seed).update(client).digest();
    const sets = PLACES / WAYS;
    // A place that nobody has is 0.
    return { base: (digest.readUInt32LE(8) % sets) * WAYS, tag: digest.readBigInt64LE(0) || 1n };
  }
}
