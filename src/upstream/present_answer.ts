/**
 * Makes the store's response the one for the client: URLs and media types translated, end-to-end headers
 * only, JSON and XML compressed, a short body in one piece.
 */
import { contentLength } from "../dicomweb/completeness/body_check.ts";
import { answerTagAsAsked } from "./changed_body.ts";
import { compressAnswer, compressionFor } from "./compress_answer.ts";
import { answerHeaderList, responseHeaders } from "./end_to_end_headers.ts";
import type { ForwardRequest } from "./forward_request.ts";
import { HeldResponse } from "./read_ahead/held_response.ts";
import type { RunningRequest } from "./running_request.ts";
import { gatherShort, MAX_GATHERED_BYTES } from "./short_body.ts";
import type { StoreDialect } from "./store_dialect.ts";
import { TranslatedResponse } from "./store_exchange.ts";

export interface PresentAnswerOptions {
  readonly running: RunningRequest;
  readonly dialect: StoreDialect;
  /** The URL by which the client reaches the store, if known. */
  readonly gatewayBase: string | undefined;
  /** A header by which clients authenticate at the gateway. */
  readonly credentialHeader: string | undefined;
}

/** @throws {GatewayError} NET-002 if the body breaks off before its beginning is sent. */
export async function presentAnswer(
  response: Response,
  { request, target, transaction, requestId }: ForwardRequest,
  { running, dialect, gatewayBase, credentialHeader }: PresentAnswerOptions,
): Promise<Response> {
  const { method } = request;
  const { status } = response;
  const headers = responseHeaders(response.headers, credentialHeader);
  headers.set("x-request-id", requestId);
  if (status === 304) answerTagAsAsked(headers, request.headers.get("if-none-match"));
  const translated = response instanceof TranslatedResponse
    ? undefined
    : dialect.toClient({ method, transaction, target }, response, headers, gatewayBase);
  const isHeld = response instanceof HeldResponse;
  const own = isHeld ? response.content : response.body;
  const whole = translated === undefined ? own : await translated;
  const bytes = contentLength(response.headers);
  const compression = compressionFor(request, { status, headers, bytes });
  if (compression !== undefined) {
    const sent = await compressAnswer(whole, { method, headers, ...compression });
    return new Response(sent, { status, headers: answerHeaderList(headers) });
  }
  const length = contentLength(headers);
  const isGathered = whole instanceof ReadableStream && !(length! > MAX_GATHERED_BYTES);
  const body = isGathered
    ? await gatherShort(whole as ReadableStream<Uint8Array<ArrayBuffer>>)
    : whole;
  if ((isGathered || isHeld) && body instanceof Uint8Array) {
    headers.set("content-length", String(body.length));
  }
  // The runtime passes such a body natively and ends it itself if the client leaves. It signals an abort
  // at every end, and aborting costs more than all checks do.
  if (translated === undefined && headers.has("content-length")) running.detach();
  return new Response(body, { status, headers: answerHeaderList(headers) });
}
