/**
 * What is fuzzed.
 *
 * @module
 */

/** One reader of what comes from outside, and what must hold for it whatever it is given. */
export interface FuzzTarget {
  /** Its name, and that of its directory in the corpus. */
  readonly name: string;
  /** What may be put into inputs, as it means something to this reader. */
  readonly words: readonly string[];
  /**
   * Gives it an input.
   *
   * @throws What does not hold.
   */
  readonly run: (input: Uint8Array<ArrayBuffer>) => void | Promise<void>;
}

/** @param input Bytes. */
export function latin1(input: Uint8Array): string {
  let text = "";
  for (const byte of input) text += String.fromCharCode(byte);
  return text;
}

/**
 * Splits an input at the end of its first line.
 *
 * @returns The line in Latin-1, and what follows it.
 */
export function firstLine(input: Uint8Array<ArrayBuffer>): [string, Uint8Array<ArrayBuffer>] {
  const end = input.indexOf(10);
  if (end < 0) return [latin1(input), new Uint8Array(0)];
  return [latin1(input.subarray(0, end)), input.slice(end + 1)];
}

/** Where to cut an input: places that follow from what it holds. */
export function cutsOf(input: Uint8Array): number[] {
  const cuts: number[] = [];
  for (let at = 0; at < input.length && cuts.length < 12; at += 1 + input[at]!) {
    cuts.push(at / input.length);
  }
  return cuts;
}
