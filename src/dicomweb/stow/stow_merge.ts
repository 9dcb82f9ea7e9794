/**
 * One answer to storing made of several, and the status that is true of it (PS3.18, table
 * 10.5.3-1). Instances that a store refuses because it has them already may count as stored.
 *
 * @module
 */
import { type DicomJsonDataset, numberOf, sorted, textOf } from "../dicom_json.ts";
import type { InstanceUids } from "./dicom_uids.ts";
import { retrieveUrl } from "./stow_item.ts";
import { STOW_TAGS, type StowReport } from "./stow_response.ts";

/** What is known of instances beyond what the store says. */
export interface KnownInstances {
  readonly sent: readonly InstanceUids[];
  /** Base URL of the store. */
  readonly storeUrl: string;
}

/**
 * Counts instances as stored that failed because they are there already. The store's reason stays
 * visible as the item's Warning Reason. A failure that names no instance stays one.
 *
 * @param reasons The failure reasons that mean “already stored”.
 * @param known What else is known of the instances, for their Retrieve URLs.
 * @returns The report; the very same one where there is no such failure.
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
 * Puts reports together.
 *
 * @param reports The reports, in the order of their requests.
 * @returns One report. Its Retrieve URL is that of the study where all that is stored is in one.
 */
export function mergeReports(reports: readonly StowReport[]): StowReport {
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
      // Of type 2: where there is no one study, the attribute is there without a value.
      [STOW_TAGS.retrieveUrl]: { vr: "UR", ...(isOneStudy && { Value: [url] }) },
    }),
  };
}

/**
 * The status that is true of a report.
 *
 * @param otherwise The status where nothing is stored.
 * @param reasons Warning reasons that count as success.
 * @returns 200 where all is stored, 202 where some is or there are warnings, else `otherwise`,
 * which is never one of success where there are failures.
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
 * The failure to tell of where nothing was stored: the one after which trying again, or another
 * credential, helps.
 *
 * @returns Which of them, as its position; -1 where there is none.
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
