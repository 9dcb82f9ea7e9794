/**
 * How a response ended, as far as that can be known.
 *
 * If a body of known length is streamed natively, the runtime does not distinguish a complete response
 * from a client that left: over HTTP/1.1 `completed` of `Deno.serve` rejects either way, as its server
 * drops the body with the last byte instead of reading its end (Deno 2.7.14). Bodies that are counted, and
 * those without length, are distinguished.
 */
import { contentLength } from "../../dicomweb/completeness/body_check.ts";
import type { PassedBytes } from "../../upstream/forward_request.ts";

export type AnswerEnd =
  /** All of it was written to the client's connection. */
  | "complete"
  /** The client left, or the store's body was truncated. */
  | "broken off"
  /** It was streamed natively, so that its end is unknown. */
  | "passed on";

/**
 * Status in records and metrics of a request whose client left before there was a response, as in the
 * logs of nginx. It is never sent.
 */
export const CLIENT_LEFT = 499;

/** Reports the end of a response, when `completed` settles. */
export function onAnswerEnd(
  { request, completed, response, passed }: {
    readonly request: Request;
    readonly completed: Promise<void>;
    readonly response: Response;
    readonly passed: PassedBytes | undefined;
  },
  report: (end: AnswerEnd) => void,
): void {
  // The headers may not be readable once the response has ended.
  const length = contentLength(response.headers);
  completed.then(
    // The runtime reports success also if the client left before the response began.
    () => report(request.signal.aborted ? "broken off" : "complete"),
    () => report(length === undefined ? "broken off" : endOf(length, passed?.fromStore)),
  );
}

function endOf(length: number, counted: number | undefined): AnswerEnd {
  if (counted === undefined) return "passed on";
  return counted === length ? "complete" : "broken off";
}
