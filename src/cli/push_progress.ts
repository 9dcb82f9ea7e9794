/**
 * The progress of a push: one line that is rewritten, on a terminal only.
 */
import { folderFiles } from "../tools/push/folder_files.ts";
import { type PushTotals, rateText, sizeText } from "./push_summary.ts";

const encoder = new TextEncoder();
const BAR_WIDTH = 24;
const MIN_INTERVAL_MS = 100;

export class PushProgress {
  readonly isShown: boolean = Deno.stderr.isTerminal();
  #files = 0;
  #shownAtMs = 0;
  #isOnLine = false;

  async count(folder: string, signal: AbortSignal): Promise<void> {
    for await (const _file of folderFiles(folder)) {
      if (signal.aborted) return;
      this.#files++;
    }
  }

  show(totals: PushTotals): void {
    const nowMs = Date.now();
    if (!this.isShown || nowMs - this.#shownAtMs < MIN_INTERVAL_MS) return;
    this.#shownAtMs = nowMs;
    this.#isOnLine = true;
    const share = Math.min(1, totals.files / Math.max(1, this.#files));
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}`;
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    const rate = rateText(totals.bytes, nowMs - totals.startedAtMs);
    const failed = totals.failed > 0 ? `, ${totals.failed} failed` : "";
    Deno.stderr.writeSync(encoder.encode(
      `\r\x1b[K[${bar}]${percent}  ${totals.files} of ${this.#files} files  ` +
        `${sizeText(totals.bytes)}, ${rate}${failed}`,
    ));
  }

  /** Clears the line for other output. */
  clear(): void {
    if (this.#isOnLine) Deno.stderr.writeSync(encoder.encode("\r\x1b[K"));
    this.#isOnLine = false;
  }
}
