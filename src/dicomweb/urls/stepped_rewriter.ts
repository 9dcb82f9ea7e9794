/**
 * Rewriting in steps: bytes that a step cannot decide on yet are held until more arrive, and bytes
 * that no step replaces pass unchanged.
 */
import { type Bytes, joinBytes } from "../bytes.ts";
import { type ByteRewriter, ByteSink } from "./byte_rewriter.ts";

const NOTHING = new Uint8Array(0);

export abstract class SteppedRewriter implements ByteRewriter {
  #input = NOTHING;
  #held = NOTHING;
  #output = new ByteSink();
  #previous = 0;
  /** Up to this index the current input is written. */
  #copied = 0;

  /** Reads on from an index of the input; returns the next one, or -1 if it needs more input. */
  protected abstract step(input: Bytes, at: number): number;

  /** The byte before the current input; 0 at the beginning. */
  protected get previous(): number {
    return this.#previous;
  }

  /** Writes `bytes` in place of the current input from `start` to `end`. */
  protected replace(start: number, end: number, bytes: Bytes): void {
    this.#output.write(this.#input.subarray(this.#copied, start));
    this.#output.write(bytes);
    this.#copied = end;
  }

  push(chunk: Bytes, output: ByteSink): void {
    const input = this.#held.length > 0 ? joinBytes([this.#held, chunk]) : chunk;
    [this.#input, this.#output, this.#copied] = [input, output, 0];
    let at = 0;
    while (at < input.length) {
      const next = this.step(input, at);
      if (next < 0) break;
      at = next;
    }
    output.write(input.subarray(this.#copied, at));
    if (at > 0) this.#previous = input[at - 1]!;
    this.#held = at < input.length ? input.slice(at) : NOTHING;
    this.#input = NOTHING;
  }

  finish(output: ByteSink): void {
    output.write(this.#held);
    this.#held = NOTHING;
  }
}
