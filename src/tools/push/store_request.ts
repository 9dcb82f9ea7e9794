/**
 * One request to store several files, and what the answer says of each of them. “Stored” is said only
 * of an instance that the store names as stored.
 *
 * @module
 */
import { numberOf, textOf } from "../../dicomweb/dicom_json.ts";
import { newBoundary, writeMultipart } from "../../dicomweb/multipart/multipart_writer.ts";
import { readStowAnswer, STOW_TAGS, type StowReport } from "../../dicomweb/stow/stow_response.ts";
import { readText } from "../../network/bounded_body.ts";
import { retryAfterMs } from "../../network/retry_after.ts";
import { maxAnswerBytes } from "../../upstream/read_stow_report.ts";
import { contentOf, type PushFile, type PushFileError } from "./push_file.ts";
import type { PushTarget } from "./push_target.ts";

/** What became of one file. */
export type FileOutcome =
  | { readonly kind: "stored"; readonly warning?: string }
  | { readonly kind: "there" }
  | { readonly kind: "failed"; readonly reason: string; readonly isTransient: boolean };

/** What became of a request. */
export type RequestOutcome =
  /** The store said something of the files. */
  | { readonly kind: "answered"; readonly outcomes: ReadonlyMap<PushFile, FileOutcome> }
  /** Nothing was stored as far as is known; the whole of it can be tried again. */
  | { readonly kind: "transient"; readonly reason: string; readonly waitMs: number | undefined }
  /** The request was refused for what is in it. */
  | { readonly kind: "refused"; readonly reason: string }
  /** No request will be taken: no permission, no such server. */
  | { readonly kind: "hopeless"; readonly reason: string }
  /** One of the files could not be read. */
  | { readonly kind: "unreadable"; readonly file: PushFile; readonly reason: string };

/** Azure's failure reason for an instance that it has already. */
const ALREADY_THERE = 45070;
/** Duplicate SOP instance (PS3.7, section C.5.6). */
const DUPLICATE = 0x0111;
const HOPELESS = [401, 403, 404, 405, 421];
const TRANSIENT = [408, 425, 429, 500, 502, 503, 504, 507];

/**
 * Sends files in one request.
 *
 * @param files The files; each holds another instance.
 * @param now The time in milliseconds, for dates in `Retry-After`.
 */
export async function storeRequest(
  files: readonly PushFile[],
  target: PushTarget,
  now: () => number,
): Promise<RequestOutcome> {
  const faults: PushFileError[] = [];
  const boundary = newBoundary();
  const parts = function* () {
    for (const file of files) {
      const body = contentOf(file, (fault) => faults.push(fault));
      yield { headers: { "Content-Type": "application/dicom" }, body };
    }
  };
  const headers = new Headers({
    "content-type": `multipart/related; type="application/dicom"; boundary=${boundary}`,
    "accept": "application/dicom+json",
  });
  let outcome: RequestOutcome;
  try {
    outcome = await target.send(
      writeMultipart(parts(), boundary),
      headers,
      async (response) => {
        // One that is far too long is no report.
        const text = await readText(response.body, maxAnswerBytes(files.length)) ?? "";
        return judge(response, text, files, now());
      },
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    outcome = { kind: "transient", reason, waitMs: undefined };
  }
  const [fault] = faults;
  // The request failed for this, whatever was made of that on the way.
  if (fault === undefined || outcome.kind === "answered") return outcome;
  return { kind: "unreadable", file: fault.file, reason: fault.message };
}

function judge(
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
  const reason = isProblem ? detailOf(text) ?? answered(status) : answered(status);
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

/** What the gateway says of its own failures (RFC 9457). */
function detailOf(text: string): string | undefined {
  try {
    const { detail, error_code: code } = JSON.parse(text);
    return typeof detail === "string" ? `${detail}${code ? ` (${code})` : ""}` : undefined;
  } catch {
    return undefined;
  }
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
  // What is named as failed is failed, even if it is named as stored as well.
  for (const item of failed) {
    const uid = textOf(item, STOW_TAGS.sopInstanceUid);
    const reason = numberOf(item, STOW_TAGS.failureReason);
    if (uid !== undefined) byUid.set(uid, failure(reason));
  }
  const missing = otherFailures.length > 0 || failed.length > 0
    ? "the store's report does not list it as stored"
    : `${answered(status)} without reporting that it is stored`;
  return new Map(
    files.map((
      file,
    ) => [
      file,
      byUid.get(file.sopInstanceUid) ?? { kind: "failed", reason: missing, isTransient: false },
    ]),
  );
}

/** What the reasons of PS3.18, table I.2-2, and PS3.4, table B.2-1, mean to who sends. */
function failure(reason: number | undefined): FileOutcome {
  if (reason === ALREADY_THERE || reason === DUPLICATE) return { kind: "there" };
  const why = reason === undefined ? "no reason given" : `${reasonText(reason)} (${hex(reason)})`;
  return {
    kind: "failed",
    reason: `the store rejected it: ${why}`,
    isTransient: reason !== undefined && reason >> 8 === 0xA7,
  };
}

function reasonText(reason: number): string {
  if (reason >> 8 === 0xA7) return "out of resources";
  if (reason >> 8 === 0xA9) return "the data set does not match its SOP class";
  if (reason === 0x0110) return "processing failure";
  if (reason === 0x0122) return "SOP class not supported";
  if (reason === 0x0124) return "not authorized";
  if (reason === 0xC122) return "transfer syntax not supported";
  if (reason === 0xC123) return "study not accepted";
  if (reason >> 12 === 0xC) return "cannot understand the data set";
  return "see the store's documentation";
}

/** PS3.18, table I.2-1. */
function warningText(warning: number): string {
  if (warning === 0xB000) return "the store coerced attributes (B000)";
  if (warning === 0xB006) return "the store discarded elements (B006)";
  if (warning === 0xB007) return "the data set does not match its SOP class (B007)";
  return `warning of the store (${hex(warning)})`;
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, "0");
}
