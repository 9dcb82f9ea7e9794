/**
 * When the token at hand is renewed: once the configured buffer before its expiry, and after a
 * failure again and again until it has expired. Its timers keep no process running.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";
import { type HeldToken, lifeMs, renewalDelayMs } from "./held_token.ts";

const FIRST_RETRY_MS = 1000;
const SLOWEST_RETRY_MS = 30_000;

/** What a schedule works with. */
export interface RenewalScheduleOptions {
  /** How long before its expiry a token is renewed; at most half its life. */
  readonly refreshBufferMs: number;
  readonly clock: Clock;
  /** A number from 0 up to 1, so that workers who share a token do not renew it at one moment. */
  readonly random: () => number;
  /** Renews the token. */
  readonly renew: () => void;
}

/** The timer of one token. */
export class RenewalSchedule {
  readonly #options: RenewalScheduleOptions;
  #cancel: () => void = () => {};
  #failures = 0;

  /** @param options What it works with. */
  constructor(options: RenewalScheduleOptions) {
    this.#options = options;
  }

  /** Plans the renewal of a new token, in place of any other plan. */
  plan({ token }: HeldToken): void {
    const { refreshBufferMs, clock, random } = this.#options;
    this.#failures = 0;
    const delayMs = renewalDelayMs(token, clock.now(), refreshBufferMs);
    const spreadMs = Math.min(refreshBufferMs, lifeMs(token) / 2) / 10;
    this.#start(delayMs - spreadMs * random());
  }

  /**
   * Plans another attempt after a failed one, unless the token will have expired by then.
   *
   * @param retryAfterMs The least wait that the identity provider asks for.
   * @returns After how many milliseconds; nothing where there will be no other attempt.
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

  /** Drops the plan. */
  cancel(): void {
    this.#cancel();
  }

  #start(delayMs: number): void {
    this.#cancel();
    this.#cancel = this.#options.clock.after(delayMs, this.#options.renew, { background: true });
  }
}
