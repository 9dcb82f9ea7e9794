/**
 * The retry loop of requests to stores and token endpoints: after growing delays with jitter, never
 * before the time that the peer asked for, and within a budget that every request refills by a fraction,
 * so that retries do not double the load during an outage.
 */
import { type Clock, systemClock } from "./clock.ts";
import { sleep } from "./wait.ts";

export interface RetryRules {
  /** Attempts in total, including the first. */
  readonly maxAttempts: number;
  /** How the delay grows; `exponential` unless given. */
  readonly strategy?: "fixed" | "linear" | "exponential";
  /** Before the second attempt. */
  readonly initialDelayMs: number;
  /** The longest delay, and the longest that the peer may ask for. */
  readonly maxDelayMs: number;
  /** Factor from one delay to the next (`exponential`); 2 unless given. */
  readonly multiplier?: number;
  /** Added from one delay to the next (`linear`). */
  readonly incrementMs?: number;
  /** Retries per request, from 0 to 1; unlimited unless given. */
  readonly budget?: number;
}

export interface RetriesOptions {
  readonly rules: RetryRules;
  /**
   * Judges an attempt by what it returned or threw: the milliseconds that the peer asks to wait, 0 if it
   * asks for none; `undefined` if the attempt is not repeated.
   */
  readonly wantedDelayMs: (outcome: unknown) => number | undefined;
  readonly onRetry: () => void;
  /** A number from 0 up to 1, for jitter; `Math.random` unless given. */
  readonly random?: (() => number) | undefined;
  readonly clock?: Pick<Clock, "after"> | undefined;
}

/** One request that may be repeated. */
export interface Repeatable {
  /** Ends the waits. */
  readonly signal: AbortSignal;
  /** Whether repeating it does no harm; true unless given. */
  readonly isRepeatable?: boolean;
  /** Called with an outcome that is not the last, before the wait. */
  readonly discard?: (outcome: unknown, delayMs: number) => unknown;
}

/** Capacity of the budget, in retries; it starts full. */
const MAX_SAVED = 10;

/** Repeats the attempts at one peer. */
export class Retries {
  readonly #options: RetriesOptions;
  #saved = MAX_SAVED;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /**
   * Makes attempts until one is final.
   *
   * @returns What the last attempt returned, a success or not.
   * @throws What the last attempt threw.
   * @throws The signal's reason when it aborts during a wait.
   */
  async run<T>(
    attempt: () => Promise<T>,
    { signal, isRepeatable = true, discard }: Repeatable,
  ): Promise<T> {
    const { rules: { budget = 0 }, clock = systemClock, onRetry } = this.#options;
    this.#saved = Math.min(this.#saved + budget, MAX_SAVED);
    for (let attempts = 1;; attempts++) {
      let outcome: unknown;
      let hasThrown = false;
      try {
        outcome = await attempt();
      } catch (error) {
        outcome = error;
        hasThrown = true;
      }
      const delayMs = isRepeatable && !signal.aborted
        ? this.#delayMs(outcome, attempts)
        : undefined;
      if (delayMs === undefined) {
        if (hasThrown) throw outcome;
        return outcome as T;
      }
      await discard?.(outcome, delayMs);
      await sleep(delayMs, { signal, clock });
      // After the wait: nothing is repeated for a client that leaves meanwhile.
      onRetry();
    }
  }

  /** The delay before the next attempt, if there is one: that is charged to the budget. */
  #delayMs(outcome: unknown, attempts: number): number | undefined {
    const { rules, random = Math.random, wantedDelayMs } = this.#options;
    if (attempts >= rules.maxAttempts) return undefined;
    const wantedMs = wantedDelayMs(outcome);
    // A longer wait is left to the client.
    if (wantedMs === undefined || wantedMs > rules.maxDelayMs) return undefined;
    if (rules.budget !== undefined) {
      if (rules.budget === 0 || this.#saved < 1) return undefined;
      this.#saved--;
    }
    return Math.max(retryDelayMs(attempts, rules) * (1 - random() / 2), wantedMs);
  }
}

/** The delay before a retry, without jitter. */
function retryDelayMs(retryNumber: number, rules: RetryRules): number {
  const { strategy = "exponential", initialDelayMs, incrementMs = 0, multiplier = 2 } = rules;
  const grown = {
    fixed: initialDelayMs,
    linear: initialDelayMs + incrementMs * (retryNumber - 1),
    exponential: initialDelayMs * multiplier ** (retryNumber - 1),
  };
  return Math.min(grown[strategy], rules.maxDelayMs);
}
