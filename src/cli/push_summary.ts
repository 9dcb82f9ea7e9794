/**
 * The summary of a push, as text and as JSON.
 */
import type { PushEvent } from "../tools/push/push_folder.ts";
import { printable } from "./terminal.ts";

export interface PushTotals extends Record<PushEvent["kind"], number> {
  /** Files that were examined. */
  files: number;
  /** Files except the skipped ones. */
  instances: number;
  /** Bytes of the files of this run that are stored. */
  bytes: number;
  readonly startedAtMs: number;
}

/** A file, and why it was skipped or failed, or its warning. */
interface Named {
  readonly file: string;
  readonly reason: string;
}

export class PushSummary {
  readonly totals: PushTotals = {
    files: 0,
    instances: 0,
    stored: 0,
    there: 0,
    earlier: 0,
    skipped: 0,
    failed: 0,
    bytes: 0,
    startedAtMs: Date.now(),
  };
  readonly #named = { skipped: [] as Named[], failed: [] as Named[], warnings: [] as Named[] };

  add(event: PushEvent): void {
    const { totals } = this;
    totals.files++;
    totals[event.kind]++;
    if (event.kind !== "skipped") totals.instances++;
    if ("reason" in event) {
      this.#named[event.kind].push({ file: event.path, reason: event.reason });
      return;
    }
    if (event.kind !== "earlier") totals.bytes += event.size;
    if (event.warning !== undefined) {
      this.#named.warnings.push({ file: event.path, reason: event.warning });
    }
  }

  text(folder: string, target: string): string {
    const { stored, there, earlier, skipped, failed, bytes, startedAtMs } = this.totals;
    const rate = rateText(bytes, Date.now() - startedAtMs);
    const count = (label: string, value: number, more = "") =>
      `  ${label.padEnd(24)}${String(value).padStart(9)}${more}`;
    return [
      printable(`${folder} to ${target}`),
      count("stored", stored, `   ${sizeText(bytes)}, ${rate}`),
      ...(earlier > 0 ? [count("stored by an earlier run", earlier)] : []),
      ...(there > 0 ? [count("already there", there)] : []),
      count("skipped", skipped),
      count("failed", failed),
      ...list("Stored with a warning", this.#named.warnings),
      ...list("Skipped", this.#named.skipped),
      ...list("Failed", this.#named.failed),
    ].join("\n");
  }

  /** The summary as JSON, after what was sent where and how it ended. */
  json(about: {
    readonly folder: string;
    readonly target: string;
    readonly ended: "finished" | "interrupted" | "stopped";
    readonly reason?: string | undefined;
  }): string {
    const { stored, there, earlier, skipped, failed, bytes, startedAtMs } = this.totals;
    const summary = {
      ...about,
      stored,
      stored_by_earlier_run: earlier,
      already_there: there,
      skipped,
      failed,
      bytes,
      seconds: (Date.now() - startedAtMs) / 1_000,
      warnings: this.#named.warnings,
      skipped_files: this.#named.skipped,
      failed_files: this.#named.failed,
    };
    return JSON.stringify(summary);
  }
}

export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1_000 && unit < units.length - 1) [value, unit] = [value / 1_000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Formats a rate in bytes per second. */
export function rateText(bytes: number, elapsedMs: number): string {
  return `${sizeText(Math.round(bytes / Math.max(elapsedMs, 1) * 1_000))}/s`;
}

function list(title: string, files: readonly Named[]): string[] {
  if (files.length === 0) return [];
  return ["", title, ...files.map(({ file, reason }) => printable(`  ${file}: ${reason}`))];
}
