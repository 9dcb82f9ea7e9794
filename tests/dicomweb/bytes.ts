/**
 * Bytes written as text, one character a byte, for tests of multipart bodies.
 */

/**
 * @param latin1 One character for each byte.
 * @returns The bytes.
 */
export function bytes(latin1: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(latin1, (char) => char.charCodeAt(0));
}

/**
 * @param data Bytes.
 * @returns One character for each byte.
 */
export function text(data: Uint8Array): string {
  return Array.from(data, (byte) => String.fromCharCode(byte)).join("");
}

/**
 * @param pieces What the stream gives, piece by piece.
 * @returns A stream that gives a piece whenever it is asked, and counts what it gave.
 */
export function pieces(...pieces: readonly (string | Error)[]): {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly given: () => number;
  readonly cancelled: () => unknown;
} {
  let given = 0;
  let cancelled: unknown;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const piece = pieces[given];
      if (piece === undefined) return controller.close();
      given++;
      if (piece instanceof Error) controller.error(piece);
      else controller.enqueue(bytes(piece));
    },
    cancel(reason) {
      cancelled = reason ?? "cancelled";
    },
  }, { highWaterMark: 0 });
  return { stream, given: () => given, cancelled: () => cancelled };
}
