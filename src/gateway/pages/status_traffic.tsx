/**
 * Traffic on the status page: its numbers in words, and as a line.
 *
 * @module
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { SLOT_MS, SLOTS, type Window } from "../account/activity.ts";
import { bytes, duration, sum } from "./status_text.ts";

/** How far back the traffic goes. */
export const WINDOW_MINUTES: number = SLOTS * SLOT_MS / 60_000;

/**
 * A line of values without axes.
 *
 * @param props The values, and what they are, for who cannot see them.
 */
export function Sparkline(
  { values, label }: { readonly values: readonly number[]; readonly label: string },
): JSX.Element {
  const most = Math.max(...values, 1e-9);
  const y = (value: number) => (20 - 18 * value / most).toFixed(1);
  const points = values.map((value, i) =>
    `${(i * 100 / (values.length - 1)).toFixed(1)},${y(value)}`
  )
    .join(" ");
  return (
    <svg role="img" aria-label={label} viewBox="0 0 100 22" preserveAspectRatio="none">
      <polygon class="area" points={`0,21 ${points} 100,21`} />
      <polyline class="line" points={points} />
    </svg>
  );
}

/** Requests a minute. */
export function perMinute({ requests }: Window): string {
  const rate = sum(requests) / WINDOW_MINUTES;
  return rate >= 10 || rate === 0 ? rate.toFixed(0) : rate.toFixed(1);
}

/** The time to answer, on average. */
export function latency({ requests, totalMs }: Window): string {
  const count = sum(requests);
  return count === 0 ? "–" : duration(sum(totalMs) / count);
}

/**
 * The time to answer in each slot.
 *
 * @returns Milliseconds.
 */
export function latencies({ requests, totalMs }: Window): number[] {
  return requests.map((count, i) => count === 0 ? 0 : (totalMs[i] ?? 0) / count);
}

/** All slots but the newest, which still fills: it would look like a fall. */
export function fullSlots(values: readonly number[]): readonly number[] {
  return values.slice(0, -1);
}

/** What the line of requests shows, for who cannot see it. */
export function requestsLabel(window: Window): string {
  const most = Math.max(...window.requests) * 60_000 / SLOT_MS;
  return `Requests a minute in the last ${WINDOW_MINUTES} minutes: ${
    perMinute(window)
  } on average, ` +
    `${most} at most`;
}

/** What the line of times shows, for who cannot see it. */
export function latencyLabel(window: Window): string {
  return `Response time in the last ${WINDOW_MINUTES} minutes: ${latency(window)} on average, ` +
    `${duration(Math.max(...latencies(window)))} at most`;
}

/**
 * Told bytes a second.
 *
 * @returns The words with what parts them from others; nothing where there are none.
 */
export function dataRate({ bytes: told }: Window): string {
  const rate = sum(told) / (WINDOW_MINUTES * 60);
  return rate === 0 ? "" : ` · ${bytes(rate)}/s`;
}
