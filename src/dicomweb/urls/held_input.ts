/**
 * The input of a rewriter that works in steps: bytes that a step cannot decide on yet are held
 * until more arrive, and bytes that no step replaces pass unchanged.
 *
 * @module
 */
import { type Bytes, joinBytes } from "../bytes.ts";
import type { ByteSink } from "./byte_rewriter.ts";

/** Reads on from an index of the input; returns the next one, or -1 if it needs more input. */
export type Step = (input: Bytes, at: number) => number;

const NOTHING = new Uint8Array(0);

export class HeldInput {
  #held = NOTHING;
  #previous = 0;
  /** Up to this index the current input is written. */
  #copied = 0;

  /** The byte before the current input; 0 at the beginning. */
  get previous(): number {
    return this.#previous;
  }

  /** Steps through a chunk, which must not change afterwards. */
  push(chunk: Bytes, output: ByteSink, step: Step): void {
    const input = this.#held.length > 0 ? joinBytes([this.#held, chunk]) : chunk;
    let at = 0;
    this.#copied = 0;
    while (at < input.length) {
      const next = step(input, at);
      if (next < 0) break;
      at = next;
    }
    output.write(input.subarray(this.#copied, at));
    if (at > 0) this.#previous = input[at - 1]!;
    this.#held = at < input.length ? input.slice(at) : NOTHING;
  }

  /** Writes `bytes` in place of the current input from `start` to `end`. */
  replace(input: Bytes, start: number, end: number, bytes: Bytes, output: ByteSink): void {
    output.write(input.subarray(this.#copied, start));
    output.write(bytes);
    this.#copied = end;
  }

  /** Writes the held bytes; nothing more arrives. */
  finish(output: ByteSink): void {
    output.write(this.#held);
    this.#held = NOTHING;
  }
}
