/**
 * What is fuzzed.
 */

/** One reader of external input, with its properties for any input. */
export interface FuzzTarget {
  /** Its name, and that of its directory in the corpus. */
  readonly name: string;
  /** Insertions with a meaning for this reader. */
  readonly words: readonly string[];
  /**
   * Runs the reader on an input.
   *
   * @throws For a property that fails.
   */
  readonly run: (input: Uint8Array<ArrayBuffer>) => void | Promise<void>;
}

export function latin1(input: Uint8Array): string {
  let text = "";
  for (const byte of input) text += String.fromCharCode(byte);
  return text;
}

/** Splits an input at the end of its first line, which is returned in Latin-1. */
export function firstLine(input: Uint8Array<ArrayBuffer>): [string, Uint8Array<ArrayBuffer>] {
  const end = input.indexOf(10);
  if (end < 0) return [latin1(input), new Uint8Array(0)];
  return [latin1(input.subarray(0, end)), input.slice(end + 1)];
}

/** Where to cut an input, derived from its content. */
export function cutsOf(input: Uint8Array): number[] {
  const cuts: number[] = [];
  for (let at = 0; at < input.length && cuts.length < 12; at += 1 + input[at]!) {
    cuts.push(at / input.length);
  }
  return cuts;
}
