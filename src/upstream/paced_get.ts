/**
 * Sends one of the requests that the gateway makes of a client's one: at the store's pace, and again
 * where the store throttles.
 *
 * @module
 */
import { retryAfterMs } from "../network/retry_after.ts";
import { sleep } from "../network/wait.ts";
import type { Pace } from "./pace.ts";
import { get, type StoreExchange } from "./store_exchange.ts";

/** Waits before a throttled request is sent again, unless the store says how long. */
const THROTTLED_WAIT_MS = 500;
const LONGEST_THROTTLED_WAIT_MS = 30_000;
const MAX_THROTTLED = 8;

/**
 * Sends a GET.
 *
 * @param target Path below the store's base URL, and query.
 * @param pace The store's quota; without it the request is sent at once, and once.
 */
export async function getAtPace(
  exchange: StoreExchange,
  target: string,
  pace: Pace | undefined,
): Promise<Response> {
  for (let throttled = 0;; throttled++) {
    await pace?.turn(exchange.signal);
    const response = await get(exchange, target);
    exchange.proceed?.();
    const isThrottled = response.status === 429 || response.status === 503;
    if (pace === undefined || !isThrottled || throttled === MAX_THROTTLED) return response;
    await response.body?.cancel();
    const wantedMs = retryAfterMs(response.headers, Date.now()) ||
      THROTTLED_WAIT_MS * 2 ** throttled;
    await sleep(Math.min(wantedMs, LONGEST_THROTTLED_WAIT_MS), exchange);
  }
}
