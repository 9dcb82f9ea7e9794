/**
 * Where commands write what they say to the person who called them.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * Writes a line of a command's result.
 *
 * @param line Without its end.
 */
export function print(line: string): void {
  Deno.stdout.writeSync(encoder.encode(`${line}\n`));
}

/**
 * Writes a line about what went wrong.
 *
 * @param line Without its end.
 */
export function complain(line: string): void {
  Deno.stderr.writeSync(encoder.encode(`${line}\n`));
}
