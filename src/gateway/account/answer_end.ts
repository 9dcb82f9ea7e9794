/**
 * How an answer ended, as far as that can be known.
 *
 * A body of known length that passes natively ends in the same way for the runtime whether the client
 * took all of it or left: over HTTP/1.1 `completed` of `Deno.serve` rejects either way, as its server
 * drops the body with the last byte instead of asking for its end (Deno 2.7.14). What is counted on its
 * way, and what has no length, is told apart.
 *
 * @module
 */
import { contentLength } from "../../dicomweb/completeness/body_check.ts";
import type { PassedBytes } from "../../upstream/store.ts";

/** How an answer ended. */
export type AnswerEnd =
  /** All of it was handed to the client's connection. */
  | "complete"
  /** The client left, or the store's body ended too early. */
  | "broken off"
  /** It was passed on, and nobody counted whether to its end. */
  | "passed on";

/**
 * The status by which records and metrics tell that the client left before there was an answer. Nobody
 * is sent it; nginx and others write the same into their logs.
 */
export const CLIENT_LEFT = 499;

/**
 * Waits for the end of an answer.
 *
 * @param answer The answer, and what tells of it.
 * @param answer.completed Settles when the answer has ended.
 * @param answer.passed How much of its body has passed, where that is counted.
 */
export function onAnswerEnd(
  { request, completed, response, passed }: {
    readonly request: Request;
    readonly completed: Promise<void>;
    readonly response: Response;
    readonly passed: PassedBytes | undefined;
  },
  tell: (end: AnswerEnd) => void,
): void {
  // When the answer has ended, its headers can be gone.
  const length = contentLength(response.headers);
  completed.then(
    // To someone who left before the answer began it is sent, too, as far as the runtime can tell.
    () => tell(request.signal.aborted ? "broken off" : "complete"),
    () => tell(length === undefined ? "broken off" : endOf(length, passed?.fromStore)),
  );
}

function endOf(length: number, counted: number | undefined): AnswerEnd {
  if (counted === undefined) return "passed on";
  return counted === length ? "complete" : "broken off";
}
