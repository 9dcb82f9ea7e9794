/**
 * What commands write: results to standard output, with colours on a terminal, and problems to
 * standard error.
 */

/** What a colour means. */
export type Tone = "good" | "doubtful" | "bad" | "quiet" | "strong";

const CODES: Readonly<Record<Tone, number>> = {
  good: 32,
  doubtful: 33,
  bad: 31,
  quiet: 2,
  strong: 1,
};

const encoder = new TextEncoder();

/** Writes a line to standard output. */
export function print(line: string): void {
  writeAll(Deno.stdout, `${line}\n`);
}

/** Writes to standard output without blocking the program; resolves when a slow reader has all of it. */
export async function printInBackground(text: string): Promise<void> {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(await Deno.stdout.write(rest));
}

/** Writes a line to standard error. */
export function complain(line: string): void {
  writeAll(Deno.stderr, `${line}\n`);
}

/** Colours a text if standard output is a terminal and colour is wanted (no-color.org). */
export function paint(tone: Tone, text: string): string {
  const isPlain = Deno.noColor || !Deno.stdout.isTerminal();
  return isPlain ? text : `\x1b[${CODES[tone]}m${text}\x1b[0m`;
}

/**
 * A file name, claim or response on one line: control and format characters are replaced, which could
 * forge lines, reverse text or control the terminal. JSON for programs keeps them, escaped.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "?");
}

/** A pipe may accept only a part of a write. */
function writeAll(output: Pick<typeof Deno.stdout, "writeSync">, text: string): void {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(output.writeSync(rest));
}
