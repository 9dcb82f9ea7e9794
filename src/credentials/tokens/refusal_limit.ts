/**
 * Protects the identity provider from a store that rejects every token: the first rejected token is
 * replaced at once, later ones after growing intervals.
 */
import type { Clock } from "../../network/clock.ts";

const MIN_INTERVAL_MS = 10_000;
const MAX_INTERVAL_MS = 60_000;

export class RefusalLimit {
  readonly #clock: Pick<Clock, "monotonic">;
  #lastMs = -Infinity;
  #intervalMs = MIN_INTERVAL_MS;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** @returns Whether a rejected token may be replaced now; if so, the next interval starts. */
  permit(): boolean {
    const nowMs = this.#clock.monotonic();
    const elapsedMs = nowMs - this.#lastMs;
    if (elapsedMs < this.#intervalMs) return false;
    // A token rejected much later was valid at first; one rejected at once never was.
    this.#intervalMs = elapsedMs < 2 * this.#intervalMs
      ? Math.min(2 * this.#intervalMs, MAX_INTERVAL_MS)
      : MIN_INTERVAL_MS;
    this.#lastMs = nowMs;
    return true;
  }
}
