/**
 * Keeps a store that refuses every token from turning into a storm on the identity provider: after
 * a refusal a new token is fetched at once, but if that is refused as well, ever more slowly.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";

const MIN_INTERVAL_MS = 10_000;
const MAX_INTERVAL_MS = 60_000;

/** Limits how often refused tokens are replaced. */
export class RefusalLimit {
  readonly #clock: Pick<Clock, "monotonic">;
  #lastMs = -Infinity;
  #intervalMs = MIN_INTERVAL_MS;

  /** @param clock Whose time counts. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Asks whether a refused token may be replaced now, and counts it if so. */
  permit(): boolean {
    const nowMs = this.#clock.monotonic();
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs < this.#intervalMs) return false;
    // Refused as soon as it may be replaced, the token was never good. Refused much later, it was.
    this.#intervalMs = elapsedMs < 2 * this.#intervalMs
      ? Math.min(2 * this.#intervalMs, MAX_INTERVAL_MS)
      : MIN_INTERVAL_MS;
    this.#lastMs = nowMs;
    return true;
  }
}
