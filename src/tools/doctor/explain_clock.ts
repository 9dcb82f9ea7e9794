/**
 * Compares this machine's clock with those of the servers.
 */
import { type Finding, finding } from "./finding.ts";

/** A server's clock, from the `Date` of a response. */
export interface SeenClock {
  /** How far it is ahead of this machine's clock; negative: behind. */
  readonly aheadMs: number;
}

/** `Date` counts whole seconds, and the response took time: less than this means nothing. */
const WARN_MS = 30_000;

/** AWS, Entra ID and most others reject a difference of five minutes. */
const FAIL_MS = 300_000;

/** Explains the clocks: one finding per server, or a skipped one if no server sent its time. */
export function explainClocks(clocks: ReadonlyMap<string, SeenClock>): Finding[] {
  if (clocks.size === 0) {
    return [finding("clock", null, "skipped", "Not compared: no server sent its time.")];
  }
  return [...clocks].map(([address, { aheadMs }]) => {
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const details = { aheadSeconds: Math.round(aheadMs / 1000) };
    if (seconds * 1000 < WARN_MS) {
      return finding("clock", address, "ok", "Its clock agrees with this machine's.", { details });
    }
    const message = `Its clock is ${span(seconds)} ${aheadMs > 0 ? "ahead of" : "behind"} this ` +
      `machine's. Tokens and signatures are rejected when clocks differ.`;
    return finding("clock", address, seconds * 1000 < FAIL_MS ? "warn" : "failed", message, {
      advice: [
        "Synchronize the clock of this machine over the network (chrony, systemd-timesyncd or Windows Time).",
        `If this machine is correct, inform the operator of ${address}.`,
      ],
      details,
    });
  });
}

function span(seconds: number): string {
  return seconds < 100 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
}
