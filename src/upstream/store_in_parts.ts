/**
 * Splits one store request, while it streams, into several within the store's limits, and merges their
 * responses. The merged report names each failed instance with its reason; the others are stored.
 * Instances that the client did not send completely are never stored.
 */
import { contentLength } from "../dicomweb/completeness/body_check.ts";
import { parseMediaType } from "../dicomweb/media_type/media_type.ts";
import { boundaryOf } from "../dicomweb/multipart/multipart_reader.ts";
import { MultipartError, MultipartScanner } from "../dicomweb/multipart/multipart_scanner.ts";
import { partLength } from "../dicomweb/multipart/part_headers.ts";
import { outcomeOf, type StowOutcome } from "../dicomweb/stow/stow_outcome.ts";
import { mergeReports, trueStatus, worstOf } from "../dicomweb/stow/stow_merge.ts";
import {
  preferredFormat,
  REPORT_TYPES,
  stowReportBody,
} from "../dicomweb/stow/stow_report_body.ts";
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { BatchSender } from "./batch_sender.ts";
import { BatchSplitter, type BatchSplitterOptions, type SplittingRules } from "./batch_splitter.ts";
import { type StoreExchange, TranslatedResponse } from "./store_exchange.ts";
import type { PartResult } from "./store_part.ts";

export interface StoreInPartsOptions extends Omit<BatchSplitterOptions, "boundary"> {
  /** Name of the configured server. */
  readonly server: string;
  /** The client's `Accept`. */
  readonly accept?: string | null;
  readonly logger: Pick<Logger, "warn">;
  /** Receives what the store reports of all instances, before the response is returned. */
  readonly onOutcome?: ((outcome: StowOutcome) => void) | undefined;
}

/** Bounds the memory of one request: UIDs and an item of the report for each instance. */
const MAX_INSTANCES = 50_000;

/**
 * Whether a request has to be split, by its headers: not if its length is within the limits, unless it is
 * worth being sent in batches. Metadata with bulk data, single instances and encoded bodies cannot be split.
 */
export function needsSplitting(
  headers: Headers,
  rules: SplittingRules,
  batches?: Pick<BatchSender, "isWorthwhile">,
): boolean {
  const { maxBytes, maxInstances } = rules;
  const length = contentLength(headers);
  const isWorthwhile = batches?.isWorthwhile(length) ?? false;
  if (maxBytes === 0 && maxInstances === 0 && !isWorthwhile) return false;
  // Each instance has 132 bytes before its first element.
  const isWithin = length !== undefined && (maxBytes === 0 || length <= maxBytes) &&
    (maxInstances === 0 || length / 132 <= maxInstances);
  if (isWithin && !isWorthwhile || (headers.get("content-encoding") ?? "identity") !== "identity") {
    return false;
  }
  const type = parseMediaType(headers.get("content-type") ?? "");
  return type?.essence === "multipart/related" && Boolean(type.parameters.get("boundary")) &&
    type.parameters.get("type")?.toLowerCase() === "application/dicom";
}

/**
 * Sends the parts of a request that {@linkcode needsSplitting}.
 *
 * @returns 200 if all is stored, 202 if some is or with warnings, else the worst of the failures; 400 with
 * a report of what is stored for a request that broke off.
 * @throws {GatewayError} NET-005 for a request that broke off before anything was stored, and what
 * sending throws if nothing was stored and the store never answered.
 * @throws The signal's reason when it aborts.
 */
export async function storeInParts(
  exchange: StoreExchange,
  options: StoreInPartsOptions,
): Promise<Response> {
  const { body, headers, signal } = exchange;
  if (body === null) throw new TypeError("Cannot split a request without a body");
  const boundary = boundaryOf(headers.get("content-type"));
  const gone = new AbortController();
  const splitter = new BatchSplitter(
    { ...exchange, signal: AbortSignal.any([signal, gone.signal]) },
    { ...options, boundary },
  );
  let results: readonly PartResult[];
  let fault: GatewayError | undefined;
  try {
    await split(body, new MultipartScanner(boundary), splitter, signal);
    results = await splitter.end();
  } catch (error) {
    fault = signal.aborted ? undefined : asFault(error, options.server);
    const reason = fault ?? new GatewayError("NET-005", "The client has gone");
    // A body breaks off with its connection, which the runtime's signal does not show before a response.
    if (options.batches !== undefined && fault instanceof BrokenBodyError) gone.abort(reason);
    results = await splitter.breakOff(reason);
  }
  signal.throwIfAborted();
  logFailures(results, options, headers.get("x-request-id"));
  return answer(results, fault, { ...options, translateUrl: exchange.translateUrl });
}

/** Reads the client's request to its end, or until the splitter gives up. */
async function split(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  scanner: MultipartScanner,
  splitter: BatchSplitter,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const reader = body.getReader();
  const onAbort = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", onAbort, { once: true });
  let instances = 0;
  try {
    for (;;) {
      const event = scanner.next();
      switch (event.kind) {
        case "need": {
          const { done, value } = await reader.read();
          signal.throwIfAborted();
          if (done) scanner.finish();
          else scanner.push(value);
          break;
        }
        case "headers": {
          if (++instances > MAX_INSTANCES) {
            throw new MultipartError(`Cannot store more than ${MAX_INSTANCES} instances at once`);
          }
          await splitter.begin({ block: event.block, length: partLength(event.headers) });
          if (splitter.isInVain) return;
          break;
        }
        case "data": {
          const room = splitter.write(event.bytes);
          if (room !== undefined) await room;
          break;
        }
        case "part end":
          splitter.endInstance();
          break;
        case "end":
          return;
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    await reader.cancel().catch(() => {});
  }
}

function asFault(error: unknown, server: string): GatewayError {
  if (error instanceof MultipartError) {
    return new GatewayError("NET-005", error.message, { server, cause: error });
  }
  return new BrokenBodyError("it broke off", { server, cause: error });
}

function logFailures(
  results: readonly PartResult[],
  { logger, server }: StoreInPartsOptions,
  request_id: string | null,
): void {
  for (const { status, report, error } of results) {
    const failed = report.failed.length + report.otherFailures.length;
    if (failed === 0) continue;
    logger.warn("Part of a split upload failed", {
      server,
      status,
      stored: report.stored.length,
      failed,
      request_id,
      ...(error instanceof GatewayError && { error_code: error.code, reason: error.message }),
    });
  }
}

function answer(
  results: readonly PartResult[],
  fault: GatewayError | undefined,
  { accept, duplicateReasons, translateUrl, onOutcome }: Pick<
    StoreInPartsOptions & StoreExchange,
    "accept" | "duplicateReasons" | "translateUrl" | "onOutcome"
  >,
): Response {
  const report = mergeReports(results.map((result) => result.report));
  const hasStored = report.stored.length > 0;
  if (fault !== undefined && !hasStored) throw fault;
  const worst = results[worstOf(results.map(({ status }) => status))];
  if (!hasStored && !results.some(({ isReported }) => isReported)) {
    // Without any report, the store's own response says most.
    const shown = results.find(({ status, response }) => response && status === worst?.status);
    if (shown?.response) return shown.response;
    if (worst?.error !== undefined) throw worst.error;
  }
  onOutcome?.(outcomeOf(report));
  const format = preferredFormat(accept);
  const headers = new Headers({ "content-type": REPORT_TYPES[format] });
  const retryAfter = worst?.response?.headers.get("retry-after");
  if (retryAfter && !hasStored) headers.set("retry-after", retryAfter);
  const status = fault?.status ?? trueStatus(report, worst?.status ?? 409, duplicateReasons);
  return new TranslatedResponse(stowReportBody(report, format, translateUrl), { status, headers });
}
