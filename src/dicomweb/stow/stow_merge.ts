/**
 * Merges the reports of several uploads, and derives the status (PS3.18, table 10.5.3-1). Instances
 * that a store rejects as duplicates can count as stored.
 */
import { type DicomJsonDataset, numberOf, sorted, textOf } from "../dicom_json.ts";
import type { InstanceUids } from "./dicom_uids.ts";
import { retrieveUrl } from "./stow_item.ts";
import { STOW_TAGS, type StowReport } from "./stow_response.ts";

/** What was sent to the store, for Retrieve URLs. */
export interface KnownInstances {
  readonly sent: readonly InstanceUids[];
  readonly storeUrl: string;
}

/**
 * Counts duplicates as stored, with the store's reason as Warning Reason. A failure that names no
 * instance remains one.
 *
 * @param reasons The failure reasons that mean “already stored”.
 * @returns The same object if there are no such failures.
 */
export function acceptDuplicates(
  report: StowReport,
  reasons: readonly number[],
  known?: KnownInstances,
): StowReport {
  if (reasons.length === 0) return report;
  const isDuplicate = (item: DicomJsonDataset) =>
    textOf(item, STOW_TAGS.sopInstanceUid) !== undefined &&
    reasons.includes(numberOf(item, STOW_TAGS.failureReason) ?? -1);
  const duplicates = report.failed.filter(isDuplicate);
  if (duplicates.length === 0) return report;
  const sent = new Map(known?.sent.map((uids) => [uids.sopInstanceUid, uids]));
  const stored = duplicates.map((item) => {
    const { [STOW_TAGS.failureReason]: reason, ...rest } = item;
    const uids = sent.get(textOf(item, STOW_TAGS.sopInstanceUid)) ?? {};
    return sorted({
      [STOW_TAGS.retrieveUrl]: retrieveUrl(uids, known?.storeUrl ?? ""),
      ...rest,
      [STOW_TAGS.warningReason]: { vr: "US", Value: reason?.Value ?? [] },
    });
  });
  return {
    ...report,
    stored: [...report.stored, ...stored],
    failed: report.failed.filter((item) => !isDuplicate(item)),
  };
}

/**
 * Merges reports in the order of their uploads. The merged Retrieve URL is that of the study if all
 * stored instances are in one.
 */
export function mergeReports(reports: readonly StowReport[]): StowReport {
  const [only] = reports;
  if (only !== undefined && reports.length === 1) return only;
  const urls = reports.filter(({ stored }) => stored.length > 0)
    .map(({ rest }) => textOf(rest, STOW_TAGS.retrieveUrl));
  const [url] = urls;
  const isOneStudy = url !== undefined && urls.every((each) => each === url);
  return {
    stored: reports.flatMap(({ stored }) => stored),
    failed: reports.flatMap(({ failed }) => failed),
    otherFailures: reports.flatMap(({ otherFailures }) => otherFailures),
    rest: sorted({
      ...Object.assign({}, ...reports.map(({ rest }) => rest)),
      // Type 2: present without a value unless there is one study.
      [STOW_TAGS.retrieveUrl]: { vr: "UR", ...(isOneStudy && { Value: [url] }) },
    }),
  };
}

/**
 * The status that fits a report: 200 all stored; 202 some stored, or warnings; else `otherwise`, or
 * 409 if that is a success despite failures.
 *
 * @param reasons Warning reasons that count as success.
 */
export function trueStatus(
  { stored, failed, otherFailures }: StowReport,
  otherwise: number,
  reasons: readonly number[] = [],
): number {
  const failures = failed.length + otherFailures.length;
  if (stored.length === 0) return failures > 0 && otherwise < 300 ? 409 : otherwise;
  const isWarned = (item: DicomJsonDataset) => {
    const reason = numberOf(item, STOW_TAGS.warningReason);
    return reason !== undefined && !reasons.includes(reason);
  };
  return failures > 0 || stored.some(isWarned) ? 202 : 200;
}

/**
 * Index of the status to report if nothing was stored, -1 if there is none: the one after which a
 * retry or another credential helps.
 */
export function worstOf(statuses: readonly number[]): number {
  const ranks = statuses.map(rank);
  return ranks.indexOf(Math.max(...ranks));
}

function rank(status: number): number {
  if (status >= 500) return 6;
  const at = [413, 403, 401, 429].indexOf(status);
  if (at >= 0) return 2 + at;
  return status >= 400 && status !== 409 ? 1 : 0;
}
