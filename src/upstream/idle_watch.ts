/**
 * Gives up on a store that stalls inside an answer's body. The body then passes through JavaScript,
 * which costs up to half of the throughput: so only where the configuration asks for it.
 *
 * @module
 */
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
}

/**
 * Watches a body. Only waits for the store count: a client may be as slow as it likes.
 *
 * @param body The store's body.
 * @param options How.
 * @returns The same body, which fails when the store takes too long.
 */
export function watchIdle(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { deadlines, exchange, idleMs, waitingFor }: IdleWatchOptions,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { deadlineMs: endMs, waitingFor: end } = exchange;
  const reset = () => {
    exchange.deadlineMs = endMs;
    exchange.waitingFor = end;
  };
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      deadlines.extend(exchange, idleMs, waitingFor);
      if (exchange.deadlineMs > endMs) reset();
      const { done, value } = await reader.read();
      reset();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
