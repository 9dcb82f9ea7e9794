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
  writeAll(Deno.stdout, `${line}\n`);
}

/**
 * Writes to standard output while the program does other things.
 *
 * @returns Resolves when all of it is written; a slow reader delays it.
 */
export async function printInBackground(text: string): Promise<void> {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(await Deno.stdout.write(rest));
}

/**
 * Writes a line about what went wrong.
 *
 * @param line Without its end.
 */
export function complain(line: string): void {
  writeAll(Deno.stderr, `${line}\n`);
}

/** A pipe may take less at once than it is given. */
function writeAll(output: Pick<typeof Deno.stdout, "writeSync">, text: string): void {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(output.writeSync(rest));
}
