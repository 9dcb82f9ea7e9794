/**
 * The output of a benchmark's processes.
 */

/** Writes a line to standard output, for the process that reads it. */
export function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
