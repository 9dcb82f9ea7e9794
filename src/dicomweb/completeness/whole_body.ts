/**
 * Bodies that end only if they are complete. Every body that JavaScript processes passes through
 * here, and every body whose end the runtime does not distinguish from truncation: HTTP/2 streams
 * that the sender reset (`RST_STREAM` with `CANCEL` or `NO_ERROR`), and bodies that end with their
 * connection.
 */
import type { Bytes, ByteStream } from "../bytes.ts";
import { BrokenBodyError } from "../../errors/broken_body_error.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { BodyCheck } from "./body_check.ts";
import type { ContentEnd } from "./content_end.ts";
import { cancelOrRelease } from "./released_body.ts";

type Failure = (state: string, options: { readonly cause?: unknown }) => GatewayError;

/** Bodies already checked, which callers may pass again. */
const CHECKED = new WeakSet<ByteStream>();

/**
 * Checks the body of a client's request. The returned body fails with a {@linkcode BrokenBodyError}
 * if it ends early, and withholds the last bytes of its length until it is known to be complete.
 *
 * @param options `onEnd` is called at the end of a complete body.
 */
export function wholeRequestBody(
  body: ByteStream,
  headers: Headers,
  options?: { readonly content?: ContentEnd; readonly onEnd?: () => void },
): ByteStream {
  if (options === undefined && isChecked(body)) return body;
  // Without framing headers, an empty body means a request without one.
  const check = new BodyCheck(headers, { isFramed: true, content: options?.content });
  const fail: Failure = (state, cause) => new BrokenBodyError(state, cause);
  return wholeBody(body, check, fail, options?.onEnd);
}

/**
 * Checks the body of a store's response. The returned body fails with NET-002 if it ends early, and
 * withholds the last bytes of its length until it is known to be complete.
 */
export function wholeAnswerBody(
  body: ByteStream,
  headers: Headers,
  content?: ContentEnd,
): ByteStream {
  if (isChecked(body)) return body;
  return wholeBody(body, new BodyCheck(headers, { content }), brokenAnswer);
}

/**
 * The error of an incomplete response.
 *
 * @param state Such as `it broke off`.
 */
export function brokenAnswer(
  state: string,
  options: { readonly cause?: unknown } = {},
): GatewayError {
  return new GatewayError("NET-002", `Cannot read the store's answer: ${state}`, options);
}

/** Whether a body is already checked. */
export function isChecked(body: ByteStream): boolean {
  return CHECKED.has(body);
}

/**
 * The error for a failed read of a response: NET-002, or the cause if it is a timeout or an abort.
 */
export function readingFailure(cause: unknown): unknown {
  return isReason(cause) ? cause : brokenAnswer("it broke off", { cause });
}

function isReason(cause: unknown): boolean {
  return cause instanceof GatewayError || cause instanceof DOMException;
}

function wholeBody(
  body: ByteStream,
  check: BodyCheck,
  fail: Failure,
  onEnd?: () => void,
): ByteStream {
  const reader = body.getReader();
  let isCancelled = false;
  const read = async () => {
    try {
      return await reader.read();
    } catch (cause) {
      throw isReason(cause) ? cause : fail("it broke off", { cause });
    }
  };
  const checked = new ReadableStream<Bytes>({
    async pull(controller) {
      const { done, value } = await read();
      // A pending read ends with the cancellation, as if the body had.
      if (isCancelled) return;
      const fault = done ? check.finish() : check.push(value);
      if (fault !== undefined) {
        const error = fail(fault, {});
        controller.error(error);
        await Promise.resolve(cancelOrRelease(body, reader, error)).catch(() => {});
      } else if (done) {
        onEnd?.();
        controller.close();
      } else controller.enqueue(value);
    },
    cancel(reason) {
      isCancelled = true;
      return cancelOrRelease(body, reader, reason);
    },
  }, { highWaterMark: 0 });
  CHECKED.add(checked);
  return checked;
}
