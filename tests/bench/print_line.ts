/**
 * How the processes of a benchmark tell each other what they found.
 *
 * @module
 */

/**
 * Writes a line to standard output.
 *
 * @param text The line, without its end.
 */
export function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
