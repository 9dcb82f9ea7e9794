/**
 * Remembers answers to what is asked again and again, within bounds that no client can exceed
 * whatever it asks.
 *
 * @module
 */

/** The bounds of a cache. */
export interface CacheBounds {
  /** How many answers it holds; one more, and it forgets all. */
  readonly maxEntries: number;
  /** Characters of the longest question whose answer it keeps. */
  readonly maxKeyLength: number;
}

/** Answers by question. */
export class BoundedCache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #bounds: CacheBounds;

  /** @param bounds Its bounds. */
  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  /** How many answers it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Finds an answer, or makes it.
   *
   * @param make Makes the answer where it is not at hand.
   */
  get(key: string, make: () => Value): Value {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (key.length > this.#bounds.maxKeyLength) return value;
    if (this.#entries.size >= this.#bounds.maxEntries) this.#entries.clear();
    this.#entries.set(key, value);
    return value;
  }
}
