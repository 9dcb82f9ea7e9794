/**
 * Compares a store's report with what was sent, so that every instance is reported as stored or
 * failed, and none as stored that the store did not report.
 */
import { type DicomJsonDataset, textOf } from "../dicom_json.ts";
import type { InstanceUids } from "./dicom_uids.ts";
import { failedItem, reference } from "./stow_item.ts";
import { EMPTY_REPORT, STOW_TAGS, type StowAnswer, type StowReport } from "./stow_response.ts";

/** One upload and its outcome. */
export interface StowOutcome {
  readonly sent: readonly InstanceUids[];
  /** Status of the response, or one that corresponds to the error. */
  readonly status: number;
  /** Undefined if there was no response. */
  readonly answer?: StowAnswer;
  /** Why there was none, in at most 64 characters. */
  readonly comment?: string;
}

/** Adds the instances that a report does not mention; returns the same object if there are none. */
export function accountFor(outcome: StowOutcome): StowReport {
  const { sent, answer } = outcome;
  return answer?.kind === "report" ? complete(answer.report, outcome) : failuresOf(sent, outcome);
}

function complete(report: StowReport, outcome: StowOutcome): StowReport {
  const { unmentioned, strangers, unnamed } = compare(report, outcome.sent);
  // Stores may change UIDs, but only of what they received: some report everything that the study
  // contains.
  const renamed = strangers > unmentioned.length ? 0 : strangers;
  // Items without a known UID account for as many of the unmentioned instances.
  const missing = unmentioned.length - renamed - unnamed.length - report.otherFailures.length;
  if (missing > 0) {
    const { failed, otherFailures } = missing === unmentioned.length
      ? failuresOf(unmentioned, outcome)
      : failuresOf(new Array(missing).fill({}), outcome);
    return {
      ...report,
      failed: [...report.failed, ...failed],
      otherFailures: [...report.otherFailures, ...otherFailures],
    };
  }
  const [only] = unnamed;
  if (only !== undefined && unnamed.length === 1 && unmentioned.length === 1) {
    // Google names no instance if it could not read one: it can only be this one.
    const named = { ...reference(unmentioned[0]!), ...only };
    return { ...report, failed: report.failed.map((item) => item === only ? named : item) };
  }
  return report;
}

/**
 * Returns the instances that no item names, the number of items that name an instance that was not
 * sent (the store changed its UIDs), and the failures that name no instance.
 */
function compare(report: StowReport, sent: readonly InstanceUids[]) {
  const sentUids = new Set(sent.map(({ sopInstanceUid }) => sopInstanceUid));
  const mentions = new Map<string, number>();
  // An instance named twice counts once: it must not hide another.
  const strangers = new Set<unknown>();
  const unnamed: DicomJsonDataset[] = [];
  for (const [items, mayBeUnnamed] of [[report.stored, false], [report.failed, true]] as const) {
    for (const item of items) {
      const uid = textOf(item, STOW_TAGS.sopInstanceUid);
      if (uid === undefined && mayBeUnnamed) unnamed.push(item);
      else if (uid === undefined || !sentUids.has(uid)) strangers.add(uid ?? item);
      else mentions.set(uid, (mentions.get(uid) ?? 0) + 1);
    }
  }
  const unmentioned = sent.filter(({ sopInstanceUid: uid }) => {
    const left = uid === undefined ? 0 : mentions.get(uid) ?? 0;
    if (left > 0) mentions.set(uid!, left - 1);
    return left === 0;
  });
  return { unmentioned, strangers: strangers.size, unnamed };
}

/** Failures of instances that nothing reports as stored. */
function failuresOf(sent: readonly InstanceUids[], outcome: StowOutcome): StowReport {
  const comment = outcome.comment ?? commentOn(outcome);
  const failure = (uids: InstanceUids) => failedItem(uids, outcome.status, comment);
  const isNamed = ({ sopInstanceUid }: InstanceUids) => sopInstanceUid !== undefined;
  return {
    ...EMPTY_REPORT,
    failed: sent.filter(isNamed).map(failure),
    otherFailures: sent.filter((uids) => !isNamed(uids)).map(failure),
  };
}

function commentOn({ status, answer }: StowOutcome): string {
  if (status < 200 || status >= 300) return `Store answered ${status}`;
  return answer?.kind === "other"
    ? `Store answered ${status} with ${answer.mediaType}`.slice(0, 64)
    : `Store answered ${status} and did not mention it`;
}
