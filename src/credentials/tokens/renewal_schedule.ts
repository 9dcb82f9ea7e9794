/**
 * Schedules the renewal of a token: the configured buffer before its expiry and, after failures,
 * again until it expires. Its timers do not keep the process running.
 */
import type { Clock } from "../../network/clock.ts";
import { type HeldToken, lifeMs, renewalDelayMs } from "./held_token.ts";

const FIRST_RETRY_MS = 1000;
const SLOWEST_RETRY_MS = 30_000;

export interface RenewalScheduleOptions {
  /** Time before expiry; at most half the token's lifetime counts. */
  readonly refreshBufferMs: number;
  readonly clock: Clock;
  /** From 0 to 1: spreads the renewals of workers that share a token. */
  readonly random: () => number;
  readonly renew: () => void;
}

export class RenewalSchedule {
  readonly #options: RenewalScheduleOptions;
  #cancel: () => void = () => {};
  #failures = 0;

  constructor(options: RenewalScheduleOptions) {
    this.#options = options;
  }

  /** Replaces the schedule by that of a new token. */
  plan({ token }: HeldToken): void {
    const { refreshBufferMs, clock, random } = this.#options;
    this.#failures = 0;
    const delayMs = renewalDelayMs(token, clock.now(), refreshBufferMs);
    const spreadMs = Math.min(refreshBufferMs, lifeMs(token) / 2) / 10;
    this.#start(delayMs - spreadMs * random());
  }

  /**
   * Schedules a retry unless the token expires before it.
   *
   * @param retryAfterMs The minimum delay that the identity provider demands.
   * @returns The delay in milliseconds; undefined without a retry.
   */
  planRetry(held: HeldToken, retryAfterMs: number): number | undefined {
    const { clock, random } = this.#options;
    this.#failures++;
    const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), SLOWEST_RETRY_MS);
    const delayMs = Math.max(backoffMs * (1 - random() / 2), retryAfterMs);
    if (clock.monotonic() + delayMs >= held.endsAtMonotonicMs) return undefined;
    this.#start(delayMs);
    return delayMs;
  }

  cancel(): void {
    this.#cancel();
  }

  #start(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#options.clock.after(delayMs, this.#options.renew, { background: true });
  }
}
