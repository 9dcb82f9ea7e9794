/**
 * The last upload to a server on the status page, if it failed: when, with what, and what to do. It stays
 * until an upload succeeds, because searches show neither a full disk nor a missing permission to store.
 */
import type { JSX } from "hono/jsx/jsx-runtime";
import { failureReasonText } from "../../dicomweb/stow/failure_reason.ts";
import type { StowOutcome } from "../../dicomweb/stow/stow_outcome.ts";
import { catalogue } from "../../errors/catalogue.ts";
import type { UploadVerdict } from "../account/activity.ts";
import { TOO_LONG } from "./server_health.ts";
import { STORE_HINTS } from "./store_hints.ts";
import { ago, counted } from "./status_text.ts";

export function FailedUpload(
  { upload, nowMs }: { readonly upload: UploadVerdict; readonly nowMs: number },
): JSX.Element {
  return (
    <p class="hint bad">
      <strong>The last upload failed</strong> {ago(upload.atMs, nowMs)}: {causeOf(upload)}{" "}
      {adviceFor(upload)} This stays here until an upload succeeds.
    </p>
  );
}

function causeOf({ status, stow, error }: UploadVerdict): string {
  if (error !== undefined) return `${error.code} ${catalogue[error.code].title}. ${error.message}.`;
  if (stow === undefined) return `the store answered ${status}.`;
  return `the store answered ${status}. ${notStored(stow)}`;
}

function notStored({ sent, stored, failed, missing, reasons }: StowOutcome): string {
  const all = counted(Math.max(sent ?? 0, stored + failed), "instance");
  const why = reasons.length > 0 ? `: ${reasons.map(failureReasonText).join(", ")}` : "";
  const unnamed = missing > 0 ? ` The store's report does not mention ${missing} of them.` : "";
  return `Not stored: ${failed} of ${all}${why}.${unnamed}`;
}

function adviceFor({ status, stow, error, isMisplaced }: UploadVerdict): string {
  if (error !== undefined) return `${error.troubleshooting[0] ?? "See the log"}.`;
  const to = (hint: string) => `${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
  if (status === 507) return to(STORE_HINTS.full);
  if (status === 401 || status === 403) return to(STORE_HINTS.refusing);
  if (status !== undefined && TOO_LONG.has(status)) return to(STORE_HINTS.long);
  if (isMisplaced) return to(STORE_HINTS.misplaced);
  if (stow !== undefined && stow.failed > 0) {
    return "Find the cause in the store's log, then send these instances again.";
  }
  if (status === 413) {
    return "The upload is larger than the store accepts: raise the store's limit, or set StoreMaxBytes.";
  }
  if (status !== undefined && status >= 500) return to(STORE_HINTS.failing);
  return "The store does not accept the form of this upload: check Profile, and the store's log.";
}
