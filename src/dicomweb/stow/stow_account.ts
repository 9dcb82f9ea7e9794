/**
 * Holds what a store answered against what it was sent, so that every instance is told stored or
 * failed, and none is told stored that the store did not say is.
 *
 * @module
 */
import { type DicomJsonDataset, textOf } from "../dicom_json.ts";
import type { InstanceUids } from "./dicom_uids.ts";
import { failedItem, reference } from "./stow_item.ts";
import { EMPTY_REPORT, STOW_TAGS, type StowAnswer, type StowReport } from "./stow_response.ts";

/** One request to store, and what came of it. */
export interface StowOutcome {
  /** The instances in it, in their order. */
  readonly sent: readonly InstanceUids[];
  /** Status of the answer; where none came, the one that stands for why. */
  readonly status: number;
  /** The answer's body; nothing where no answer came. */
  readonly answer?: StowAnswer;
  /** Why no answer came, in at most 64 characters. */
  readonly comment?: string;
}

/**
 * Accounts for every instance of one request.
 *
 * @param outcome The request and what came of it.
 * @returns The store's report, completed with what it does not mention; the very same one where it
 * mentions everything.
 *
 * @example
 * ```ts
 * import { accountFor } from "./stow_account.ts";
 * import assert from "node:assert/strict";
 *
 * const sent = [{ sopClassUid: "1.2", sopInstanceUid: "1.2.3" }];
 * const report = accountFor({ sent, status: 503 });
 * assert.equal(report.failed[0]?.["00081155"]?.Value?.[0], "1.2.3");
 * ```
 */
export function accountFor(outcome: StowOutcome): StowReport {
  const { sent, answer } = outcome;
  return answer?.kind === "report" ? complete(answer.report, outcome) : failuresOf(sent, outcome);
}

/** Accounts for the instances that a report does not mention. */
function complete(report: StowReport, outcome: StowOutcome): StowReport {
  const { unmentioned, strangers, unnamed } = compare(report, outcome.sent);
  // The store may give instances other UIDs, but not more of them than it got: some tell of all that the
  // study has.
  const renamed = strangers > unmentioned.length ? 0 : strangers;
  // What is said of instances without a known name is said of some of those not mentioned.
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
    // Google names no instance where it could not read one: it can only be this.
    const named = { ...reference(unmentioned[0]!), ...only };
    return { ...report, failed: report.failed.map((item) => item === only ? named : item) };
  }
  return report;
}

/** How the items of a report and the instances sent belong together. */
interface Comparison {
  /** Instances sent that no item names. */
  readonly unmentioned: readonly InstanceUids[];
  /** How many items name an instance that was not sent: the store gave it other UIDs. */
  readonly strangers: number;
  /** Failures that name no instance. */
  readonly unnamed: readonly DicomJsonDataset[];
}

function compare(report: StowReport, sent: readonly InstanceUids[]): Comparison {
  const sentUids = new Set(sent.map(({ sopInstanceUid }) => sopInstanceUid));
  const mentions = new Map<string, number>();
  // One that is named twice stands for one instance only: it must not hide another.
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

/** Failures of instances of which nothing tells that they are stored. */
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
