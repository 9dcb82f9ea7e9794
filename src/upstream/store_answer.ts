/**
 * Judges a store's answer to storing and puts it so that clients understand it: in JSON, with a status
 * that is true of it, and with instances that were there already as stored where that is wanted. A
 * success is believed only where a readable report covers everything that was sent. What needs no change
 * goes on as it came, byte for byte.
 *
 * @module
 */
import { parseAccept } from "../dicomweb/media_type/media_type.ts";
import { accountFor } from "../dicomweb/stow/stow_account.ts";
import { acceptDuplicates, trueStatus } from "../dicomweb/stow/stow_merge.ts";
import {
  countOf,
  type StowAnswer,
  type StowReport,
  writeStowReport,
} from "../dicomweb/stow/stow_response.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import type { Logger } from "../telemetry/logger.ts";
import { maxAnswerBytes, readStowReport } from "./read_stow_report.ts";
import type { SentInstances } from "./stow_upload.ts";

/** How to put an answer. */
export interface StoreAnswerRules {
  /** Turn XML into JSON, and put a status right that contradicts the items. */
  readonly asJson: boolean;
  /** Failure reasons that mean “already stored” and are treated as success. */
  readonly duplicateReasons: readonly number[];
  /** The client's `Accept`: who asked for XML gets the store's own words. */
  readonly accept?: string | null;
  /** Name of the configured server. */
  readonly server: string;
  readonly logger: Pick<Logger, "warn">;
}

/** Media types that an answer to storing may bear, rightly or wrongly. */
const MAY_BE_REPORT = /json|xml|^text\/plain|^application\/octet-stream/;
/** What is said of a body that is another one then. */
const OF_THE_BODY = ["content-length", "content-encoding", "content-md5", "digest", "etag"];

/**
 * Why a success of a store cannot be believed.
 *
 * @returns The reason; undefined where the answer holds a report, or where there was nothing to store.
 */
export function disbelief(
  status: number,
  answer: StowAnswer,
  { instances, isWhole }: SentInstances,
): string | undefined {
  if (!isWhole) return `Store answered ${status} before the upload was complete`;
  if (instances?.length === 0) return undefined;
  if (answer.kind === "other") return `Store answered ${status} with ${answer.mediaType}`;
  if (answer.kind === "empty") return `Store answered ${status} without a report`;
  return countOf(answer.report) === 0
    ? `Store answered ${status} and named no instance`
    : undefined;
}

/**
 * Judges and puts an answer to storing.
 *
 * @throws {GatewayError} NET-002 when the answer breaks off; NET-009 for a success that does not say what
 * was stored.
 */
export async function normaliseStowAnswer(
  response: Response,
  sent: SentInstances,
  rules: StoreAnswerRules,
): Promise<Response> {
  const { body, status, headers } = response;
  const contentType = headers.get("content-type");
  const isSuccess = status >= 200 && status < 300;
  const isWanted = rules.asJson || rules.duplicateReasons.length > 0;
  if (!isSuccess) {
    if (!isWanted || body === null) return response;
    if (!MAY_BE_REPORT.test(contentType?.toLowerCase() ?? "json")) return response;
  }
  const maxBytes = () => maxAnswerBytes(sent.instances?.length);
  const read = await readStowReport(response, maxBytes);
  if (read instanceof ReadableStream) {
    if (!isSuccess) return new Response(read, { status, headers });
    await read.cancel();
    throw cannotTell(`Store answered with more than ${maxBytes()} bytes`, rules);
  }
  const { answer, bytes } = read;
  const asItCame = () => new Response(bytes, { status, headers });
  const reason = isSuccess ? disbelief(status, answer, sent) : undefined;
  if (reason !== undefined) throw cannotTell(reason, rules);
  if (answer.kind !== "report") return asItCame();
  const accounted = account(answer.report, status, sent);
  const missing = countOf(accounted) - countOf(answer.report);
  if (missing > 0) warn(missing, status, sent, rules);
  if (missing === 0 && answer.format === "xml" && (!rules.asJson || prefersXml(rules.accept))) {
    return asItCame();
  }
  const report = acceptDuplicates(accounted, rules.duplicateReasons);
  const newStatus = statusFor(report, report !== answer.report, status, rules);
  if (report === answer.report && answer.format === "json" && newStatus === status) {
    return asItCame();
  }
  const newHeaders = new Headers(headers);
  for (const name of OF_THE_BODY) newHeaders.delete(name);
  newHeaders.set("content-type", "application/dicom+json");
  return new Response(writeStowReport(report), { status: newStatus, headers: newHeaders });
}

/**
 * Completes a report with the instances that it does not mention. That of another failure than 409 says
 * by its status that nothing is known to be stored.
 */
function account(report: StowReport, status: number, { instances }: SentInstances): StowReport {
  const isOfInstances = status < 300 || status === 409 && countOf(report) > 0;
  if (instances === undefined || !isOfInstances) return report;
  return accountFor({
    sent: instances,
    status,
    answer: { kind: "report", format: "json", report },
  });
}

function warn(
  missing: number,
  status: number,
  { instances }: SentInstances,
  { logger, server }: StoreAnswerRules,
): void {
  logger.warn("Store's report does not cover every instance; counting the missing ones as failed", {
    server,
    status,
    sent: instances?.length,
    missing,
  });
}

function cannotTell(reason: string, { server }: StoreAnswerRules): GatewayError {
  return new GatewayError("NET-009", `Cannot determine what was stored: ${reason}`, { server });
}

/** The store's own status, unless the items say otherwise. */
function statusFor(
  report: StowReport,
  isChanged: boolean,
  status: number,
  { asJson, duplicateReasons }: StoreAnswerRules,
): number {
  const isSuccess = status >= 200 && status < 300;
  if (!isSuccess && status !== 409 || !isChanged && !asJson) return status;
  const failures = report.failed.length + report.otherFailures.length;
  if (isSuccess && failures === 0 && !isChanged) return status;
  return trueStatus(report, status, duplicateReasons);
}

function prefersXml(accept: string | null | undefined): boolean {
  const [first] = parseAccept(accept);
  return first !== undefined && first.essence.endsWith("xml");
}
