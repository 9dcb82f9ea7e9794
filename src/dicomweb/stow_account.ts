/**
 * Holds what a store answered against what it was sent, so that every instance is told stored or
 * failed, and none is told stored that the store did not say is.
 *
 * @module
 */
import { type DicomJsonDataset, textOf } from "./dicom_json.ts";
import type { InstanceUids } from "./dicom_uids.ts";
import { failedItem, reference, storedItem } from "./stow_item.ts";
import { EMPTY_REPORT, STOW_TAGS, type StowAnswer, type StowReport } from "./stow_response.ts";

/** One request to store, and what came of it. */
export interface StowOutcome {
  /** The instances in it, in their order. */
  readonly sent: readonly InstanceUids[];
  /** Whether all of the request was sent before the answer ended. */
  readonly isSentWhole: boolean;
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
 * @param storeUrl Base URL of the store, for Retrieve URLs that the store did not give.
 * @returns The store's report, completed with what it does not mention.
 *
 * @example
 * ```ts
 * import { accountFor } from "./stow_account.ts";
 * import assert from "node:assert/strict";
 *
 * const sent = [{ sopClassUid: "1.2", sopInstanceUid: "1.2.3" }];
 * const report = accountFor({ sent, isSentWhole: true, status: 503 }, "https://store.example");
 * assert.equal(report.failed[0]?.["00081155"]?.Value?.[0], "1.2.3");
 * ```
 */
export function accountFor(outcome: StowOutcome, storeUrl: string): StowReport {
  const { sent, answer, status, isSentWhole } = outcome;
  const report = answer?.kind === "report" ? answer.report : undefined;
  const isSilent = report === undefined ? answer?.kind === "empty" : countOf(report) === 0;
  if (isSilent && status === 200 && isSentWhole) {
    // The status says that all were stored (PS3.18, table 10.5.3-1), though the items are missing.
    return {
      ...(report ?? EMPTY_REPORT),
      stored: sent.map((uids) => storedItem(uids, storeUrl)),
    };
  }
  return report === undefined ? failuresOf(sent, outcome) : complete(report, outcome);
}

/** Accounts for the instances that a report does not mention. */
function complete(report: StowReport, outcome: StowOutcome): StowReport {
  const { unmentioned, strangers, unnamed } = compare(report, outcome.sent);
  // What is said of instances without a known name is said of some of those not mentioned.
  const missing = unmentioned.length - strangers - unnamed.length - report.otherFailures.length;
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
  const left = new Map<string | undefined, number>();
  const add = (uid: string | undefined, count: number) => {
    left.set(uid, (left.get(uid) ?? 0) + count);
  };
  let strangers = 0;
  const unnamed: DicomJsonDataset[] = [];
  for (const [items, mayBeUnnamed] of [[report.stored, false], [report.failed, true]] as const) {
    for (const item of items) {
      const uid = textOf(item, STOW_TAGS.sopInstanceUid);
      if (uid === undefined && mayBeUnnamed) unnamed.push(item);
      else add(uid, 1);
    }
  }
  const unmentioned = sent.filter(({ sopInstanceUid: uid }) => {
    const isMentioned = uid !== undefined && (left.get(uid) ?? 0) > 0;
    if (isMentioned) add(uid, -1);
    return !isMentioned;
  });
  for (const count of left.values()) strangers += count;
  return { unmentioned, strangers, unnamed };
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

function countOf({ stored, failed, otherFailures }: StowReport): number {
  return stored.length + failed.length + otherFailures.length;
}
