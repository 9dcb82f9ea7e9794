/**
 * Runs rewriters on input that is cut into pieces.
 */
import fc from "fast-check";
import { type ByteRewriter, ByteSink } from "../../src/dicomweb/urls/byte_rewriter.ts";

/** @param cuts Where the input is cut, as fractions of its length. */
export function rewriteCut(
  rewriter: ByteRewriter,
  input: Uint8Array<ArrayBuffer>,
  cuts: readonly number[] = [],
): Uint8Array<ArrayBuffer> {
  const positions = cuts.map((cut) => Math.floor(cut * input.length)).sort((a, b) => a - b);
  const sink = new ByteSink();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const passOn = () => pieces.push(sink.take() ?? new Uint8Array(0));
  let start = 0;
  for (const end of [...positions, input.length]) {
    // A separate copy, as from a socket: contiguous pieces prove less.
    rewriter.push(input.slice(start, end), sink);
    passOn();
    start = end;
  }
  rewriter.finish(sink);
  passOn();
  return concat(pieces);
}

/** @param input What it is given, byte by byte. */
export function rewriteByteByByte(
  rewriter: ByteRewriter,
  input: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return rewriteCut(rewriter, input, Array.from(input, (_, i) => (i + 0.5) / input.length));
}

/** Where to cut an input: few places or many, also several times at the same one. */
export const cuts: fc.Arbitrary<number[]> = fc.array(
  fc.double({ min: 0, max: 1, noNaN: true }),
  { maxLength: 40 },
);

/** @param pieces Pieces of bytes. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
