/**
 * Verifies and normalizes a store's STOW response: JSON or XML, as the client prefers, a status that
 * matches the items, and, if configured, duplicates as stored. A success is believed only with a readable
 * report that covers everything that was sent. What needs no change passes byte for byte.
 */
import { accountFor } from "../dicomweb/stow/stow_account.ts";
import { acceptDuplicates, trueStatus } from "../dicomweb/stow/stow_merge.ts";
import {
  preferredFormat,
  REPORT_TYPES,
  stowReportBody,
} from "../dicomweb/stow/stow_report_body.ts";
import { outcomeOf, type StowOutcome } from "../dicomweb/stow/stow_outcome.ts";
import { countOf, type StowAnswer, type StowReport } from "../dicomweb/stow/stow_response.ts";
import { STALE_HEADERS } from "../dicomweb/urls/body_url_rewriter.ts";
import { GatewayError } from "../errors/gateway_error.ts";
import { maxAnswerBytes, readStowReport } from "./read_stow_report.ts";
import type { SentInstances } from "./stow_upload.ts";

export interface StoreAnswerRules {
  /** Convert XML and JSON to what the client prefers, and correct a status that contradicts the items. */
  readonly asJson: boolean;
  /** Failure reasons that mean “already stored” and are treated as success. */
  readonly duplicateReasons: readonly number[];
  /** The client's `Accept`. */
  readonly accept?: string | null;
  /** Name of the configured server. */
  readonly server: string;
  /** Receives what the store reports of the instances, before the response is returned. */
  readonly onOutcome?: ((outcome: StowOutcome) => void) | undefined;
}

/** Media types of reports, correct or not. */
const MAY_BE_REPORT = /json|xml|^text\/plain|^application\/octet-stream/;

/** Why a success cannot be believed; undefined for a report, or if there was nothing to store. */
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
 * @throws {GatewayError} NET-002 when it breaks off; NET-009 for a success that does not say what was
 * stored.
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
  const report = acceptDuplicates(accounted, rules.duplicateReasons);
  const missing = countOf(accounted) - countOf(answer.report);
  rules.onOutcome?.(outcomeOf(report, { sent: sent.instances?.length, missing }));
  const newStatus = statusFor(report, report !== answer.report, status, rules);
  const format = rules.asJson ? preferredFormat(rules.accept) : answer.format;
  if (report === answer.report && answer.format === format && newStatus === status) {
    return asItCame();
  }
  const newHeaders = new Headers(headers);
  for (const name of [...STALE_HEADERS, "content-encoding", "etag"]) newHeaders.delete(name);
  newHeaders.set("content-type", REPORT_TYPES[format]);
  return new Response(stowReportBody(report, format), { status: newStatus, headers: newHeaders });
}

/** Adds the instances that a report does not mention, unless its status says that nothing was stored. */
function account(report: StowReport, status: number, { instances }: SentInstances): StowReport {
  const isOfInstances = status < 300 || status === 409 && countOf(report) > 0;
  if (instances === undefined || !isOfInstances) return report;
  const answer = { kind: "report", format: "json", report } as const;
  return accountFor({ sent: instances, status, answer });
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
