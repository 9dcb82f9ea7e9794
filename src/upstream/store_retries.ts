/**
 * Which requests to a store are sent again, and when. Only those that RFC 9110 (section 9.2.2) calls
 * idempotent and whose body is not gone; only after failures that pass; only as many as a budget
 * allows, which every request fills by a fraction, so that an outage is not made worse by asking
 * twice as often.
 *
 * @module
 */
import type { StoreResilienceConfig } from "../config/keys/store_resilience.ts";
import { GatewayError } from "../errors/gateway_error.ts";

/** What retries work with. */
export interface StoreRetriesOptions {
  readonly configured: StoreResilienceConfig["retry"];
  /** A number from 0 up to 1, for jitter. */
  readonly random: () => number;
  /** The wall clock, which a date in `Retry-After` is compared with. */
  readonly wallClock: () => number;
}

/** Retries that may be saved up, and that there are to begin with. */
const MOST_SAVED = 10;

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/**
 * Whether a request may be sent more than once.
 *
 * @param method Its method.
 * @param hasBody Whether it has a body, which streams and is gone when it has been sent.
 * @returns Whether it may.
 */
export function isRepeatable(method: string, hasBody: boolean): boolean {
  return !hasBody && IDEMPOTENT.has(method);
}

/**
 * Whether an outcome says that the store was not there: no connection, or an answer in its place.
 *
 * @param outcome An answer, or what was thrown instead.
 * @returns Whether it does.
 */
export function isUnavailable(outcome: unknown): boolean {
  if (outcome instanceof Response) {
    return outcome.status === 502 || outcome.status === 503 || outcome.status === 504;
  }
  // 408: it was the client that was waited for.
  return outcome instanceof GatewayError && outcome.status !== 408 &&
    (outcome.code === "NET-002" || outcome.code === "NET-001");
}

/** Decides what is sent to one store again. */
export class StoreRetries {
  readonly #options: StoreRetriesOptions;
  #saved = MOST_SAVED;

  /** @param options What it works with. */
  constructor(options: StoreRetriesOptions) {
    this.#options = options;
  }

  /** A request is sent for the first time: the budget grows. */
  began(): void {
    const saved = this.#saved + this.#options.configured.budget;
    this.#saved = saved > MOST_SAVED ? MOST_SAVED : saved;
  }

  /**
   * How long to wait before a request that failed is sent again. The budget is charged for it.
   *
   * @param outcome The answer, or what was thrown instead.
   * @param attempts How often it has been sent.
   * @returns Milliseconds; nothing when it is not sent again.
   */
  delayMs(outcome: unknown, attempts: number): number | undefined {
    const { configured, random } = this.#options;
    if (attempts >= configured.maxAttempts) return undefined;
    const wanted = outcome instanceof Response ? this.#retryAfterMs(outcome.headers) : undefined;
    const isThrottled = outcome instanceof Response && outcome.status === 429 &&
      wanted !== undefined;
    if (!isThrottled && !isUnavailable(outcome)) return undefined;
    if (wanted !== undefined && wanted > configured.maxDelayMs) return undefined;
    if (configured.budget === 0 || this.#saved < 1) return undefined;
    this.#saved--;
    const grown = Math.min(configured.initialDelayMs * 2 ** (attempts - 1), configured.maxDelayMs);
    return Math.max(grown * (1 - random() / 2), wanted ?? 0);
  }

  /** RFC 9110, section 10.2.3: seconds or a date. */
  #retryAfterMs(headers: Headers): number | undefined {
    const value = headers.get("retry-after");
    if (value === null) return undefined;
    if (/^\d+$/.test(value)) return Number(value) * 1000;
    const date = Date.parse(value);
    return Number.isNaN(date) ? undefined : Math.max(0, date - this.#options.wallClock());
  }
}
