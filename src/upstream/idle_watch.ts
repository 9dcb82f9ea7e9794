/**
 * Limits how long a store or client may stall within a body. The body then passes through JavaScript,
 * which costs up to half of the throughput, so this applies only if configured.
 */
import { cancelOrRelease } from "../dicomweb/completeness/released_body.ts";
import type { Deadlines, Exchange } from "./deadlines.ts";

export interface IdleWatchOptions {
  readonly deadlines: Deadlines;
  /** The exchange of the body, with the time limit of the whole transfer. */
  readonly exchange: Exchange;
  /** Longest wait for the next piece. */
  readonly idleMs: number;
  /** Named in the message. */
  readonly waitingFor: string;
  readonly onPiece?: ((bytes: number) => void) | undefined;
  /** Status after a timeout; 504 unless given. */
  readonly status?: number;
}

/** The same body, failing if the next piece takes too long. Only the sender is limited, not the receiver. */
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
