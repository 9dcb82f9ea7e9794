/**
 * Counts the used quotas of clients for all workers of a gateway, in memory that the workers share. Each
 * client has one number, the time at which its quota will be full again (generic cell rate algorithm, as in
 * ITU-T I.371): a quota of 60 a minute lets 60 requests through at once and then one a second. Memory is
 * fixed: if there are more clients than places, those that used least are forgotten, which restores
 * their quota and takes none away.
 */
import { createHmac, randomFillSync } from "node:crypto";
import { BoundedCache } from "../../dicomweb/bounded_cache.ts";

export interface QuotaLimit {
  readonly requests: number;
  readonly windowMs: number;
}

/** The rest of a client's quota. */
export interface Quota {
  readonly isExhausted: boolean;
  /** Requests that are accepted now. */
  readonly remaining: number;
  /** Time until one more is accepted; 0 if one is accepted now. */
  readonly retryAfterMs: number;
  /** Time until the whole quota is available. */
  readonly fullAfterMs: number;
}

/** Clients that fit in a table. */
const PLACES = 65_536;
/** Adjacent places, one of which holds a client's number. */
const WAYS = 8;
const NS_PER_MS = 1e6;
const SEED_BYTES = 32;
/** The seed, and the time of creation, from which times are counted so that they are exact. */
const HEAD_BYTES = SEED_BYTES + 8;

/** The first of a client's possible places, and the tag that identifies its own. */
interface Address {
  readonly base: number;
  readonly tag: bigint;
}

/**
 * @param now The wall clock in milliseconds.
 * @returns Memory of a table for all workers, 1 MiB.
 */
export function createQuotaMemory(now: () => number = Date.now): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEAD_BYTES + PLACES * 16);
  const seed = randomFillSync(new Uint8Array(SEED_BYTES));
  new Uint8Array(memory).set(seed);
  new Float64Array(memory, SEED_BYTES, 1)[0] = now();
  return memory;
}

/** A view of a table. */
export class QuotaTable {
  readonly #seed: Uint8Array;
  readonly #tags: BigInt64Array;
  /** Nanoseconds since the creation of the table. */
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

  /** Uses one of a client's quota, unless it is exhausted. */
  take(client: string, limit: QuotaLimit): Quota {
    return this.#change(client, limit, 1);
  }

  /** Gives back one that was taken. */
  giveBack(client: string, limit: QuotaLimit): void {
    this.#change(client, limit, -1);
  }

  /** Returns a client's quota without using it. */
  look(client: string, limit: QuotaLimit): Quota {
    return this.#change(client, limit, 0);
  }

  /** Uses the whole of a client's quota, even if some of it is used already. */
  exhaust(client: string, { windowMs }: QuotaLimit): void {
    const place = this.#placeOf(client, true);
    const fullAtMs = this.#now() - this.#madeAtMs + windowMs;
    Atomics.store(this.#fullAt, place!, BigInt(Math.round(fullAtMs * NS_PER_MS)));
  }

  /** A name for a secret: its digest under the table's key, the same in every worker. */
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
      // Further ahead than a full window: the clock was set back, or the limit has changed.
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

  /** The place of a client's number, undefined if it has none and does not claim one. */
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
      // Before the tag: after it, another worker may count under it already.
      if (former !== 0n) Atomics.store(this.#fullAt, least, 0n);
      if (Atomics.compareExchange(this.#tags, least, former, tag) === former) return least;
    }
  }

  /** Keyed, so that no client can choose an address whose number collides with that of another. */
  #addressOf(client: string): Address {
    const digest = createHmac("sha256", this.#seed).update(client).digest();
    const sets = PLACES / WAYS;
    // 0 marks a free place.
    return { base: (digest.readUInt32LE(8) % sets) * WAYS, tag: digest.readBigInt64LE(0) || 1n };
  }
}
