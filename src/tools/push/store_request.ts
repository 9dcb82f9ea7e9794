/**
 * One request to store several files, and the outcome of each. Only an instance that the store reports
 * as stored counts as stored.
 */
import { failureReasonText, statusHex } from "../../dicomweb/stow/failure_reason.ts";
import { numberOf, textOf } from "../../dicomweb/dicom_json.ts";
import { newBoundary, writeMultipart } from "../../dicomweb/multipart/multipart_writer.ts";
import { readStowAnswer, STOW_TAGS, type StowReport } from "../../dicomweb/stow/stow_response.ts";
import { reasonOf } from "../../errors/reason.ts";
import { readText } from "../../network/bounded_body.ts";
import { retryAfterMs } from "../../network/retry_after.ts";
import { maxAnswerBytes } from "../../upstream/read_stow_report.ts";
import { contentOf, type PushFile } from "./push_file.ts";
import { refusalReason } from "./refusal_reason.ts";
import type { PushTarget } from "./push_target.ts";

export type FileOutcome =
  | { readonly kind: "stored"; readonly warning?: string }
  | { readonly kind: "there" }
  | { readonly kind: "failed"; readonly reason: string; readonly isTransient: boolean };

export type RequestOutcome =
  /** The store reported about the files. */
  | { readonly kind: "answered"; readonly outcomes: ReadonlyMap<PushFile, FileOutcome> }
  /** Nothing is known to be stored; the whole request can be retried. */
  | { readonly kind: "transient"; readonly reason: string; readonly waitMs: number | undefined }
  /** The store rejected the content. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Every request would be rejected: no permission, no such server. */
  | { readonly kind: "hopeless"; readonly reason: string }
  | { readonly kind: "unreadable"; readonly file: PushFile; readonly reason: string };

/** Azure's failure reason for an instance that it already has. */
const ALREADY_THERE = 45070;
/** Duplicate SOP instance (PS3.7, section C.5.6). */
const DUPLICATE = 0x0111;
const HOPELESS = [401, 403, 404, 405, 421];
const TRANSIENT = [408, 425, 429, 500, 502, 503, 504, 507];

/**
 * Sends files, each with another instance, in one request.
 *
 * @param now The clock, for dates in `Retry-After`.
 */
export async function storeRequest(
  files: readonly PushFile[],
  target: PushTarget,
  now: () => number,
): Promise<RequestOutcome> {
  let unreadable: RequestOutcome | undefined;
  const boundary = newBoundary();
  const parts = function* () {
    for (const file of files) {
      const body = contentOf(file, (reason) => unreadable = { kind: "unreadable", file, reason });
      yield { headers: { "Content-Type": "application/dicom" }, body };
    }
  };
  const headers = new Headers({
    "content-type": `multipart/related; type="application/dicom"; boundary=${boundary}`,
    "accept": "application/dicom+json",
  });
  let outcome: RequestOutcome;
  try {
    outcome = await target.send(writeMultipart(parts(), boundary), headers, async (response) => {
      // A longer text is no report.
      const text = await readText(response.body, maxAnswerBytes(files.length)) ?? "";
      return outcomeOf(response, text, files, now());
    });
  } catch (error) {
    outcome = { kind: "transient", reason: reasonOf(error), waitMs: undefined };
  }
  // An unreadable file is the cause of whatever failure the gateway reports.
  return outcome.kind === "answered" ? outcome : unreadable ?? outcome;
}

function outcomeOf(
  { status, headers }: Response,
  text: string,
  files: readonly PushFile[],
  nowMs: number,
): RequestOutcome {
  const type = headers.get("content-type");
  const answer = readStowAnswer(text, type);
  const isProblem = type?.includes("problem+json") ?? false;
  if (!isProblem && answer.kind === "report" && !HOPELESS.includes(status)) {
    const { stored, failed, otherFailures } = answer.report;
    if (stored.length + failed.length + otherFailures.length > 0) {
      return { kind: "answered", outcomes: outcomesOf(answer.report, files, status) };
    }
  }
  const words = refusalReason(headers, text);
  const reason = isProblem && words !== undefined
    ? words
    : answered(status) + (words === undefined ? "" : `: ${words}`);
  if (HOPELESS.includes(status)) return { kind: "hopeless", reason };
  if (TRANSIENT.includes(status)) {
    return { kind: "transient", reason, waitMs: retryAfterMs(headers, nowMs) };
  }
  if (status >= 200 && status < 300) {
    return { kind: "refused", reason: `${answered(status)} without reporting what is stored` };
  }
  return { kind: "refused", reason };
}

function answered(status: number): string {
  return `the store answered ${status}`;
}

function outcomesOf(
  { stored, failed, otherFailures }: StowReport,
  files: readonly PushFile[],
  status: number,
): Map<PushFile, FileOutcome> {
  const byUid = new Map<string, FileOutcome>();
  for (const item of stored) {
    const uid = textOf(item, STOW_TAGS.sopInstanceUid);
    const warning = numberOf(item, STOW_TAGS.warningReason);
    if (uid === undefined) continue;
    if (warning === ALREADY_THERE) byUid.set(uid, { kind: "there" });
    else byUid.set(uid, { kind: "stored", ...(warning && { warning: warningText(warning) }) });
  }
  // An instance that is reported as failed has failed, even if it is also reported as stored.
  for (const item of failed) {
    const uid = textOf(item, STOW_TAGS.sopInstanceUid);
    const reason = numberOf(item, STOW_TAGS.failureReason);
    if (uid !== undefined) byUid.set(uid, failure(reason));
  }
  const missing = otherFailures.length > 0 || failed.length > 0
    ? "the store's report does not list it as stored"
    : `${answered(status)} without reporting that it is stored`;
  const unreported: FileOutcome = { kind: "failed", reason: missing, isTransient: false };
  return new Map(files.map((file) => [file, byUid.get(file.sopInstanceUid) ?? unreported]));
}

/** The outcome for a failure reason of PS3.18, table I.2-2, or PS3.4, table B.2-1. */
function failure(reason: number | undefined): FileOutcome {
  if (reason === ALREADY_THERE || reason === DUPLICATE) return { kind: "there" };
  const why = reason === undefined ? "no reason given" : failureReasonText(reason);
  return {
    kind: "failed",
    reason: `the store rejected it: ${why}`,
    isTransient: reason !== undefined && reason >> 8 === 0xA7,
  };
}

/** PS3.18, table I.2-1. */
function warningText(warning: number): string {
  if (warning === 0xB000) return "the store coerced attributes (B000)";
  if (warning === 0xB006) return "the store discarded elements (B006)";
  if (warning === 0xB007) return "the data set does not match its SOP class (B007)";
  return `warning of the store (${statusHex(warning)})`;
}
