/**
 * What a store's report says of an upload, counted: no identifiers.
 */
import { numberOf } from "../dicom_json.ts";
import { STOW_TAGS, type StowReport } from "./stow_response.ts";

export interface StowOutcome {
  /** Undefined if the instances of the request were not read. */
  readonly sent: number | undefined;
  readonly stored: number;
  readonly failed: number;
  /** Of the failed ones: those that the store's own report does not mention. */
  readonly missing: number;
  /** Distinct values of Failure Reason (PS3.18, section I.2.2). */
  readonly reasons: readonly number[];
}

/** Values of Failure Reason that are kept: a store may invent one per instance. */
const MAX_REASONS = 4;

export function outcomeOf(
  report: StowReport,
  { sent, missing = 0 }: Partial<Pick<StowOutcome, "sent" | "missing">> = {},
): StowOutcome {
  const reasons = new Set<number>();
  for (const item of [...report.failed, ...report.otherFailures]) {
    const reason = numberOf(item, STOW_TAGS.failureReason);
    // The attribute has 16 bits; anything else is not a reason.
    if (reason !== undefined && reason >= 0 && reason <= 0xFFFF) reasons.add(reason);
    if (reasons.size === MAX_REASONS) break;
  }
  return {
    sent,
    stored: report.stored.length,
    failed: report.failed.length + report.otherFailures.length,
    missing,
    reasons: [...reasons],
  };
}
