/**
 * Colour for terminals, and nothing for files, pipes and people who want none (no-color.org).
 *
 * @module
 */

/** What a text means. */
export type Tone = "good" | "doubtful" | "bad" | "quiet" | "strong";

const CODES: Readonly<Record<Tone, number>> = {
  good: 32,
  doubtful: 33,
  bad: 31,
  quiet: 2,
  strong: 1,
};

/**
 * Colours a text where standard output is a terminal.
 *
 * @returns The text, with or without colour.
 */
export function paint(tone: Tone, text: string): string {
  const isPlain = Deno.noColor || !Deno.stdout.isTerminal();
  return isPlain ? text : `\x1b[${CODES[tone]}m${text}\x1b[0m`;
}
