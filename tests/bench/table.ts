/**
 * Formatting of the document that the comparison writes.
 */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Writes a table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n") + "\n";
}

/** Writes a ratio with its goal, if any. */
export function withGoal(ratio: number, least: number | undefined): string {
  if (Number.isNaN(ratio)) return "-";
  const text = ratio.toFixed(2);
  if (least === undefined) return text;
  return ratio >= least ? `**${text}** (≥ ${least})` : `${text} (missed: ≥ ${least})`;
}

/** Writes a ratio that should not exceed a goal, if any. */
export function withLimit(ratio: number, most: number | undefined): string {
  const text = ratio.toFixed(2);
  if (most === undefined) return text;
  return ratio <= most ? `**${text}** (≤ ${most})` : `${text} (missed: ≤ ${most})`;
}

/** Writes a rate of requests or bytes per second. */
export function rate(perSecond: number, unit: "requests" | "bytes"): string {
  if (Number.isNaN(perSecond)) return "-";
  return unit === "requests"
    ? `${Math.round(perSecond).toLocaleString("en-US")}/s`
    : `${(perSecond / 1e9).toFixed(2)} GB/s`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
