/**
 * Caches results by key. Clients choose the keys, so number and length of the entries are bounded.
 */

export interface CacheBounds {
  /** When full, the cache is emptied. */
  readonly maxEntries: number;
  /** Results for longer keys are not cached. */
  readonly maxKeyLength: number;
}

export class BoundedCache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #bounds: CacheBounds;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  /** Returns the cached value for a key, or makes and caches it. */
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
