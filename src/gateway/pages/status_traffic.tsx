/**
 * Traffic on the status page, as numbers and as sparklines.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { SLOT_MS, SLOTS, type Window } from "../account/activity.ts";
import { bytes, duration, sum } from "./status_text.ts";

export const WINDOW_MINUTES: number = SLOTS * SLOT_MS / 60_000;

/** Requests in each slot. */
export function RequestsLine({ window }: { readonly window: Window }): JSX.Element {
  const most = Math.max(...window.requests) * 60_000 / SLOT_MS;
  return (
    <Sparkline
      // Without the current slot, whose low count would look like a drop.
      values={window.requests.slice(0, -1)}
      label={labelOf("Requests a minute", perMinute(window), String(most))}
    />
  );
}

/** The average response time in each slot. */
export function LatencyLine({ window }: { readonly window: Window }): JSX.Element {
  const { requests, totalMs } = window;
  const averages = requests.map((count, i) => count === 0 ? 0 : (totalMs[i] ?? 0) / count);
  return (
    <Sparkline
      values={averages}
      label={labelOf("Response time", latency(window), duration(Math.max(...averages)))}
    />
  );
}

/** Describes a sparkline to screen readers. */
function labelOf(what: string, average: string, most: string): string {
  return `${what} in the last ${WINDOW_MINUTES} minutes: ${average} on average, ${most} at most`;
}

function Sparkline(
  { values, label }: { readonly values: readonly number[]; readonly label: string },
) {
  const most = Math.max(...values, 1e-9);
  const x = (i: number) => (i * 100 / (values.length - 1)).toFixed(1);
  const y = (value: number) => (20 - 18 * value / most).toFixed(1);
  const points = values.map((value, i) => `${x(i)},${y(value)}`).join(" ");
  return (
    <svg role="img" aria-label={label} viewBox="0 0 100 22" preserveAspectRatio="none">
      <polygon class="area" points={`0,21 ${points} 100,21`} />
      <polyline class="line" points={points} />
    </svg>
  );
}

export function perMinute({ requests }: Window): string {
  const rate = sum(requests) / WINDOW_MINUTES;
  return rate >= 10 || rate === 0 ? rate.toFixed(0) : rate.toFixed(1);
}

/** The average response time, formatted. */
export function latency({ requests, totalMs }: Window): string {
  const count = sum(requests);
  return count === 0 ? "–" : duration(sum(totalMs) / count);
}

/** @returns Bytes per second with a separator before it; empty if no bytes were counted. */
export function dataRate({ bytes: counted }: Window): string {
  const rate = sum(counted) / (WINDOW_MINUTES * 60);
  return rate === 0 ? "" : ` · ${bytes(rate)}/s`;
}
