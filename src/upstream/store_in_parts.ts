/**
 * Splits one request to store, while it streams, into several that the store takes, and makes one
 * answer of theirs. What fails leaves the rest stored and is named with its reason; what the client did
 * not send whole is never stored as if it were.
 *
 * @module
 */
import { parseMediaType } from "../dicomweb/media_type/media_type.ts";
import { boundaryOf } from "../dicomweb/multipart/multipart_reader.ts";
import { MultipartError, MultipartScanner } from "../dicomweb/multipart/multipart_scanner.ts";
import { partLength } from "../dicomweb/multipart/part_headers.ts";
import { mergeReports, trueStatus, worstOf } from "../dicomweb/stow/stow_merge.ts";
import { writeStowReport } from "../dicomweb/stow/stow_response.ts";
import { BrokenBodyError } from "../errors/broken_body_error.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Logger } from "../telemetry/logger.ts";
import { BatchSplitter, type BatchSplitterOptions } from "./batch_splitter.ts";
import { type StoreExchange, TranslatedResponse } from "./store_exchange.ts";
import type { PartResult } from "./store_part.ts";

/** What one request to the store may hold. */
export interface SplittingRules {
  /** How many bytes; 0: any number. */
  readonly maxBytes: number;
  /** How many instances; 0: any number. */
  readonly maxInstances: number;
}

/** How a request is split. */
export interface StoreInPartsOptions extends Omit<BatchSplitterOptions, "boundary"> {
  /** Name of the configured server. */
  readonly server: string;
  readonly logger: Pick<Logger, "warn">;
}

/** Bounds what is remembered of one request: a name and an item of the answer for each instance. */
const MAX_INSTANCES = 50_000;

/**
 * Whether a request has to be split, as far as its headers tell. One whose length says that the store
 * takes it goes to the store as it is. Metadata with bulk data, single instances and encoded bodies
 * cannot be split.
 *
 * @param rules What one request may hold.
 * @returns Whether {@linkcode storeInParts} must do it.
 *
 * @example
 * ```ts
 * import { needsSplitting } from "./store_in_parts.ts";
 * import assert from "node:assert/strict";
 *
 * const headers = new Headers({ "content-type": 'multipart/related; type="application/dicom"; boundary=b' });
 * const rules = { maxBytes: 1_000_000_000, maxInstances: 0 };
 * assert.equal(needsSplitting(headers, rules), true);
 * headers.set("content-length", "1000000");
 * assert.equal(needsSplitting(headers, rules), false);
 * ```
 */
export function needsSplitting(headers: Headers, rules: SplittingRules): boolean {
  const { maxBytes, maxInstances } = rules;
  if (maxBytes === 0 && maxInstances === 0) return false;
  const length = headers.get("content-length");
  // Of so many instances, some do not fit into so few bytes: each has 132 before its first element.
  const mostInstances = Number(length) / 132;
  const isWithin = length !== null && (maxBytes === 0 || Number(length) <= maxBytes) &&
    (maxInstances === 0 || mostInstances <= maxInstances);
  if (isWithin || (headers.get("content-encoding") ?? "identity") !== "identity") return false;
  const type = parseMediaType(headers.get("content-type") ?? "");
  return type?.essence === "multipart/related" && Boolean(type.parameters.get("boundary")) &&
    type.parameters.get("type")?.toLowerCase() === "application/dicom";
}

/**
 * Stores in parts.
 *
 * @param exchange The client's request, in need of splitting.
 * @returns One answer: 200 all stored, 202 some or with warnings, else the worst of the failures; a
 * request that broke off is told 400 with what is stored all the same.
 * @throws {GatewayError} NET-005 for a request that broke off before anything was stored, and what
 * sending throws where nothing was stored and the store never answered.
 * @throws The signal's reason when it aborts.
 */
export async function storeInParts(
  exchange: StoreExchange,
  options: StoreInPartsOptions,
): Promise<Response> {
  const { body, headers, signal } = exchange;
  if (body === null) throw new TypeError("Cannot split a request without a body");
  const boundary = boundaryOf(headers.get("content-type"));
  const dealer = new BatchSplitter(exchange, { ...options, boundary });
  let results: readonly PartResult[];
  let fault: GatewayError | undefined;
  try {
    await deal(body, new MultipartScanner(boundary), dealer, signal);
    results = await dealer.end();
  } catch (error) {
    fault = signal.aborted ? undefined : asFault(error, options.server);
    const reason = fault ?? new GatewayError("NET-005", "The client has gone");
    results = await dealer.breakOff(reason);
  }
  signal.throwIfAborted();
  logFailures(results, options);
  return answer(results, fault, { ...options, translateUrl: exchange.translateUrl });
}

/** Reads the client's request to its end, or until nothing of it can be stored any more. */
async function deal(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  scanner: MultipartScanner,
  dealer: BatchSplitter,
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
          await dealer.begin({ block: event.block, length: partLength(event.headers) });
          if (dealer.isInVain) return;
          break;
        }
        case "data": {
          const room = dealer.write(event.bytes);
          if (room !== undefined) await room;
          break;
        }
        case "part end":
          dealer.endInstance();
          break;
        case "end":
          return;
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Ends what is left unread; after an error there is nothing to end.
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
): void {
  for (const { status, report, error } of results) {
    const instances = report.failed.length + report.otherFailures.length;
    if (instances === 0) continue;
    const stored = report.stored.length;
    logger.warn("Part of a split upload failed", {
      server,
      status,
      stored,
      failed: instances,
      ...(error instanceof GatewayError && { error_code: error.code, reason: error.message }),
    });
  }
}

function answer(
  results: readonly PartResult[],
  fault: GatewayError | undefined,
  { duplicateReasons, translateUrl }: Pick<
    StoreInPartsOptions & StoreExchange,
    "duplicateReasons" | "translateUrl"
  >,
): Response {
  const report = mergeReports(results.map((result) => result.report));
  const hasStored = report.stored.length > 0;
  if (fault !== undefined && !hasStored) throw fault;
  const worst = results[worstOf(results.map(({ status }) => status))];
  if (!hasStored && !results.some(({ isReported }) => isReported)) {
    // No request was judged instance by instance: the store's own words say most.
    const told = results.find(({ status, response }) => response && status === worst?.status);
    if (told?.response) return told.response;
    if (worst?.error !== undefined) throw worst.error;
  }
  const headers = new Headers({ "content-type": "application/dicom+json" });
  const retryAfter = worst?.response?.headers.get("retry-after");
  if (retryAfter && !hasStored) headers.set("retry-after", retryAfter);
  const status = fault?.status ?? trueStatus(report, worst?.status ?? 409, duplicateReasons);
  return new TranslatedResponse(writeStowReport(report, translateUrl), { status, headers });
}
