/**
 * What time it is for AWS. Signatures of more than five minutes ago or ahead are refused, so a
 * gateway whose clock is wrong has to go by what the other side says in its `Date` header.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";

/** Less than the five minutes that AWS allows, because its answer took a while to come. */
const MAX_SKEW_MS = 4 * 60_000;

/** The clock of one server's signatures. */
export class AwsClock {
  readonly #clock: Pick<Clock, "now">;
  #offsetMs = 0;
  #corrections = 0;

  /** @param clock The gateway's clock. */
  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** How often it was put right: what was signed before the last time was signed with a wrong clock. */
  get corrections(): number {
    return this.#corrections;
  }

  /** @returns Milliseconds since the epoch, as AWS sees it. */
  now(): number {
    return this.#clock.now() + this.#offsetMs;
  }

  /**
   * Compares itself with a refusal, and puts itself right where it is far off.
   *
   * @returns By how many milliseconds it was behind; `undefined` when it was not far off.
   */
  correct(date: string | null): number | undefined {
    const skewMs = Date.parse(date ?? "") - this.now();
    if (!(Math.abs(skewMs) > MAX_SKEW_MS)) return undefined;
    this.#offsetMs += skewMs;
    this.#corrections++;
    return skewMs;
  }
}
