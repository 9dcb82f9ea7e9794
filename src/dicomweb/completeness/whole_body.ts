/**
 * Bodies that come to their end only when they are whole. Each body that passes through JavaScript goes
 * through here, as does each whose end the runtime does not tell from a break: one over HTTP/2 whose
 * sender took it back (`RST_STREAM` with `CANCEL` or `NO_ERROR`), one that ends with its connection.
 *
 * @module
 */
import { BrokenBodyError } from "../../errors/broken_body_error.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { BodyCheck } from "./body_check.ts";
import type { ContentEnd } from "./content_end.ts";
import { cancelOrRelease } from "./released_body.ts";

/** A body on its way. */
type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Makes the error of a body that is not whole, of what is wrong with it. */
type Failure = (state: string, options: { readonly cause?: unknown }) => GatewayError;

/** What else is done with a body as it passes. */
export interface WholeBodyOptions {
  /** Sees the content pass, and recognizes its end. */
  readonly content?: ContentEnd;
  /** Called when the body has come to its end, whole. */
  readonly onEnd?: () => void;
}

/** Bodies that are checked already: whoever passes one on may ask for it again. */
const CHECKED = new WeakSet<Body>();

/**
 * Checks the body of a client's request.
 *
 * @param headers The headers of the request, as they came.
 * @param options What else to do with it.
 * @returns The same body. It fails with a {@linkcode BrokenBodyError} when it ends before it is whole, and
 * does not give the last bytes of its length before it is known to be.
 *
 * @example
 * ```ts
 * import { wholeRequestBody } from "./whole_body.ts";
 * import assert from "node:assert/strict";
 *
 * const headers = new Headers({ "content-length": "5" });
 * const whole = wholeRequestBody(new Response("whole").body!, headers);
 * assert.equal(await new Response(whole).text(), "whole");
 * const cut = wholeRequestBody(new Response("cut").body!, headers);
 * await assert.rejects(new Response(cut).text(), { code: "NET-005" });
 * ```
 */
export function wholeRequestBody(body: Body, headers: Headers, options?: WholeBodyOptions): Body {
  if (options === undefined && isChecked(body)) return body;
  // A request whose headers do not show where its body ends is one without a body, where it is empty.
  const check = new BodyCheck(headers, { isFramed: true, content: options?.content });
  const fail: Failure = (state, cause) => new BrokenBodyError(state, cause);
  return wholeBody(body, check, fail, options?.onEnd);
}

/**
 * Checks the body of a store's answer.
 *
 * @param headers The headers of the answer, as they came.
 * @param content What recognizes the end of the content; by its media type unless given.
 * @returns The same body. It fails with NET-002 when it ends before it is whole, and does not give the last
 * bytes of its length before it is known to be.
 */
export function wholeAnswerBody(body: Body, headers: Headers, content?: ContentEnd): Body {
  if (isChecked(body)) return body;
  return wholeBody(body, new BodyCheck(headers, { content }), brokenAnswer);
}

/**
 * The error of an answer that is not whole.
 *
 * @param state What is wrong with it, such as `it broke off`.
 */
export function brokenAnswer(
  state: string,
  options: { readonly cause?: unknown } = {},
): GatewayError {
  return new GatewayError("NET-002", `Cannot read the store's answer: ${state}`, options);
}

/** Whether a body is checked on its way. */
export function isChecked(body: Body): boolean {
  return CHECKED.has(body);
}

/**
 * What an answer failed with, for whoever reads it.
 *
 * @returns The error of an answer that broke off; the cause itself where a limit has passed or a peer has
 * gone, which come with their own reason.
 */
export function readingFailure(cause: unknown): unknown {
  return isReason(cause) ? cause : brokenAnswer("it broke off", { cause });
}

function isReason(cause: unknown): boolean {
  return cause instanceof GatewayError || cause instanceof DOMException;
}

function wholeBody(body: Body, check: BodyCheck, fail: Failure, onEnd?: () => void): Body {
  const reader = body.getReader();
  const read = async () => {
    try {
      return await reader.read();
    } catch (cause) {
      throw isReason(cause) ? cause : fail("it broke off", { cause });
    }
  };
  const checked = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await read();
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
    cancel: (reason) => cancelOrRelease(body, reader, reason),
  }, { highWaterMark: 0 });
  CHECKED.add(checked);
  return checked;
}
