/**
 * Gives up on whoever stalls inside a body: a store inside its answer's, a client inside its request's.
 * The body then passes through JavaScript, which costs up to half of the throughput: so only where the
 * configuration asks for it.
 *
 * @module
 */
import { cancelOrRelease } from "../dicomweb/completeness/released_body.ts";
import type { Deadlines, Exchange } from "./deadlines.ts";

/** What a watch works with. */
export interface IdleWatchOptions {
  readonly deadlines: Deadlines;
  /** The exchange that the body belongs to, its limit that of the whole transfer. */
  readonly exchange: Exchange;
  /** Longest wait for the next piece. */
  readonly idleMs: number;
  /** What is waited for, for the message. */
  readonly waitingFor: string;
  /** Told of the length of each piece. */
  readonly onPiece?: ((bytes: number) => void) | undefined;
  /** The status that tells of it; 504 unless given. */
  readonly status?: number;
}

/**
 * Watches a body. Only waits for whoever sends it count: who takes it may be as slow as it likes.
 *
 * @returns The same body, which fails when the next piece takes too long.
 */
export function watchIdle(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { deadlines, exchange, idleMs, waitingFor, status, onPiece }: IdleWatchOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { deadlineMs: endMs, waitingFor: end } = exchange;
  const reset = () => {
    exchange.deadlineMs = endMs;
    exchange.waitingFor = end;
    exchange.status = undefined;
  };
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      deadlines.extend(exchange, idleMs, waitingFor);
      exchange.status = status;
      if (exchange.deadlineMs > endMs) reset();
      const { done, value } = await reader.read();
      reset();
      if (done) return controller.close();
      onPiece?.(value.byteLength);
      controller.enqueue(value);
    },
    cancel: (reason) => cancelOrRelease(body, reader, reason),
  }, { highWaterMark: 0 });
}
