/**
 * The time by AWS's clock. AWS rejects signatures more than five minutes old or ahead, so a gateway
 * whose clock is wrong has to follow the `Date` header of the responses.
 */
import type { Clock } from "../../network/clock.ts";

/** Less than the five minutes that AWS allows, because its response took a while to arrive. */
const MAX_SKEW_MS = 4 * 60_000;

/** The clock of one server's signatures. */
export class AwsClock {
  readonly #clock: Pick<Clock, "now">;
  #offsetMs = 0;
  #corrections = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Number of corrections: what was signed before the last one was signed with a wrong clock. */
  get corrections(): number {
    return this.#corrections;
  }

  /** Milliseconds since the epoch, by AWS's clock. */
  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  /**
   * Corrects itself if it differs much from the `Date` header of a refusal.
   *
   * @returns By how many milliseconds it was behind; `undefined` if it was not corrected.
   */
  correct(date: string | null): number | undefined {
    const skewMs = Date.parse(date ?? "") - this.now();
    if (!(Math.abs(skewMs) > MAX_SKEW_MS)) return undefined;
    this.#offsetMs += skewMs;
    this.#corrections++;
    return skewMs;
  }
}
