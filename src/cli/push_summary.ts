/**
 * What a push has done, in numbers and by name: for people, and for programs.
 *
 * @module
 */
import type { PushEvent } from "../tools/push/push_folder.ts";

/** How much was done. */
export interface PushTotals {
  /** Files that were looked at. */
  files: number;
  /** Those that are or should be instances. */
  instances: number;
  stored: number;
  there: number;
  earlier: number;
  skipped: number;
  failed: number;
  /** Bytes that the store took in this run. */
  bytes: number;
  /** When the run began. */
  readonly startedAtMs: number;
}

/** Adds up a push. */
export class PushSummary {
  /** How much was done so far. */
  readonly totals: PushTotals;
  readonly #named = { skipped: [] as Named[], failed: [] as Named[], warnings: [] as Named[] };

  /** @param startedAtMs When the run began. */
  constructor(startedAtMs: number) {
    this.totals = {
      files: 0,
      instances: 0,
      stored: 0,
      there: 0,
      earlier: 0,
      skipped: 0,
      failed: 0,
      bytes: 0,
      startedAtMs,
    };
  }

  /** @param event What became of a file. */
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

  /** The summary for people. */
  text(folder: string, target: string, nowMs: number): string {
    const { stored, there, earlier, skipped, failed, bytes, startedAtMs } = this.totals;
    const rate = rateText(bytes, nowMs - startedAtMs);
    const count = (label: string, value: number, more = "") =>
      `  ${label.padEnd(24)}${String(value).padStart(9)}${more}`;
    return [
      `${folder} to ${target}`,
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

  /**
   * The summary for programs.
   *
   * @param about What was sent where, and how it ended.
   */
  json(about: {
    readonly folder: string;
    readonly target: string;
    readonly how: "finished" | "interrupted" | "stopped";
    readonly reason: string | undefined;
  }): Readonly<Record<string, unknown>> {
    const { stored, there, earlier, skipped, failed, bytes, startedAtMs } = this.totals;
    return {
      folder: about.folder,
      target: about.target,
      ended: about.how,
      ...(about.reason !== undefined && { reason: about.reason }),
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
  }
}

/** A file and what there is to say of it. */
interface Named {
  readonly file: string;
  readonly reason: string;
}

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1_000 && unit < units.length - 1) [value, unit] = [value / 1_000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/**
 * A rate for people.
 *
 * @returns It in bytes a second.
 */
export function rateText(bytes: number, elapsedMs: number): string {
  return `${sizeText(Math.round(bytes / Math.max(elapsedMs, 1) * 1_000))}/s`;
}

function list(title: string, files: readonly Named[]): string[] {
  if (files.length === 0) return [];
  return ["", title, ...files.map(({ file, reason }) => `  ${printable(file)}: ${reason}`)];
}

/** A file's name can hold what moves a terminal's cursor. */
function printable(name: string): string {
  // deno-lint-ignore no-control-regex
  return name.replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}
