import assert from "node:assert/strict";
import type { DicomJsonDataset } from "../../../src/dicomweb/dicom_json.ts";
import type { InstanceUids } from "../../../src/dicomweb/stow/dicom_uids.ts";
import { accountFor, type StowOutcome } from "../../../src/dicomweb/stow/stow_account.ts";
import { EMPTY_REPORT, type StowAnswer } from "../../../src/dicomweb/stow/stow_response.ts";

const CLASS = "1.2.840.10008.5.1.4.1.1.2";

function instance(uid: string): InstanceUids {
  return {
    sopClassUid: CLASS,
    sopInstanceUid: uid,
    studyInstanceUid: "1.2",
    seriesInstanceUid: "1.2.3",
  };
}

function named(uid: string | undefined, more: DicomJsonDataset = {}): DicomJsonDataset {
  return uid === undefined ? more : {
    "00081150": { vr: "UI", Value: [CLASS] },
    "00081155": { vr: "UI", Value: [uid] },
    ...more,
  };
}

function reason(code: number): DicomJsonDataset {
  return { "00081197": { vr: "US", Value: [code] } };
}

function answered(stored: DicomJsonDataset[], failed: DicomJsonDataset[] = []): StowAnswer {
  return { kind: "report", format: "json", report: { ...EMPTY_REPORT, stored, failed } };
}

/** What came out, in short: `uid` stored, `uid=reason` failed, `?=reason` another failure. */
function summary(outcome: Partial<StowOutcome>): string[] {
  const { stored, failed, otherFailures } = accountFor({
    sent: ["1", "2", "3"].map(instance),
    status: 200,
    ...outcome,
  });
  const uid = (item: DicomJsonDataset) => item["00081155"]?.Value?.[0] ?? "?";
  const failure = (item: DicomJsonDataset) => `${uid(item)}=${item["00081197"]?.Value?.[0]}`;
  return [
    ...stored.map((item) => String(uid(item))),
    ...[...failed, ...otherFailures].map(failure),
  ];
}

const UNKNOWN: InstanceUids = {};

/** A request of instances 1, 2 and 3 by default, and what is reported of them. */
const ROWS: [what: string, outcome: Partial<StowOutcome>, summary: string[]][] = [
  ["all stored", { answer: answered([named("1"), named("2"), named("3")]) }, ["1", "2", "3"]],
  [
    "some failed",
    { status: 202, answer: answered([named("1"), named("3")], [named("2", reason(43264))]) },
    ["1", "3", "2=43264"],
  ],
  [
    "an instance that the store does not mention is not stored",
    { answer: answered([named("1"), named("3")]) },
    ["1", "3", "2=272"],
  ],
  [
    "the same instance twice, mentioned once",
    { sent: [instance("1"), instance("1")], answer: answered([named("1")]) },
    ["1", "1=272"],
  ],
  [
    "the same instance twice, mentioned twice",
    { sent: [instance("1"), instance("1")], answer: answered([named("1"), named("1")]) },
    ["1", "1"],
  ],
  [
    "one instance mentioned twice does not hide another",
    { answer: answered([named("1"), named("1"), named("2")]) },
    ["1", "1", "2", "3=272"],
  ],
  [
    "one instance stored and failed does not hide another",
    { status: 202, answer: answered([named("1"), named("2")], [named("1", reason(272))]) },
    ["1", "2", "1=272", "3=272"],
  ],
  [
    "a stranger mentioned twice stands for one instance",
    { answer: answered([named("1"), named("9"), named("9")]) },
    ["1", "9", "9", "?=272"],
  ],
  [
    "strangers that are more than what is missing are others of the study, and hide nothing",
    { answer: answered([named("1"), named("2"), named("8"), named("9")]) },
    ["1", "2", "8", "9", "3=272"],
  ],
  [
    "a report of other instances than were sent, and of more",
    { answer: answered([named("6"), named("7"), named("8"), named("9")]) },
    ["6", "7", "8", "9", "1=272", "2=272", "3=272"],
  ],
  [
    "items without a UID stand for one instance each",
    { answer: answered([named(undefined), named(undefined), named(undefined)]) },
    ["?", "?", "?"],
  ],
  [
    "an instance with UIDs that could not be read, and a report that names it",
    { sent: [instance("1"), {}], answer: answered([named("1"), named("2")]) },
    ["1", "2"],
  ],
  [
    "two instances without readable UIDs, one reported",
    { sent: [{}, {}], answer: answered([named("2")]) },
    ["2", "?=272"],
  ],
  // Proxies also respond so.
  ["200 without items", { answer: answered([]) }, ["1=272", "2=272", "3=272"]],
  ["200 without a body", { answer: { kind: "empty" } }, ["1=272", "2=272", "3=272"]],
  ["202 without items", { status: 202, answer: answered([]) }, ["1=272", "2=272", "3=272"]],
  // Azure: 204 means that the request held nothing.
  ["204", { status: 204, answer: { kind: "empty" } }, ["1=272", "2=272", "3=272"]],
  [
    "200 with a login page",
    { answer: { kind: "other", mediaType: "text/html" } },
    ["1=272", "2=272", "3=272"],
  ],
  [
    "409 without items",
    { status: 409, answer: answered([]) },
    ["1=272", "2=272", "3=272"],
  ],
  [
    "an instance stored under another UID",
    { answer: answered([named("1"), named("2"), named("9")]) },
    ["1", "2", "9"],
  ],
  [
    "a failure without a name can only be of the one that is not mentioned (Google)",
    { status: 202, answer: answered([named("1"), named("2")], [reason(272)]) },
    ["1", "2", "3=272"],
  ],
  [
    "failures without names of several stay without",
    { status: 202, answer: answered([named("1")], [reason(272), reason(43264)]) },
    ["1", "?=272", "?=43264"],
  ],
  [
    "one failure without a name, two not mentioned",
    { status: 202, answer: answered([named("1")], [reason(43264)]) },
    ["1", "?=43264", "?=272"],
  ],
  [
    "another failure stands for an instance that is not mentioned",
    {
      status: 202,
      answer: {
        kind: "report",
        format: "json",
        report: {
          ...EMPTY_REPORT,
          stored: [named("1"), named("2")],
          otherFailures: [reason(272)],
        },
      },
    },
    ["1", "2", "?=272"],
  ],
  [
    "an instance whose UIDs could not be read",
    { sent: [instance("1"), UNKNOWN], status: 500, answer: { kind: "empty" } },
    ["1=272", "?=272"],
  ],
  ["no answer", { status: 502, comment: "Connection failed" }, ["1=272", "2=272", "3=272"]],
  // PS3.18, table I.2-2.
  ["400", { status: 400 }, ["1=49152", "2=49152", "3=49152"]],
  ["401", { status: 401 }, ["1=292", "2=292", "3=292"]],
  ["403", { status: 403 }, ["1=292", "2=292", "3=292"]],
  ["413", { status: 413 }, ["1=42752", "2=42752", "3=42752"]],
  ["429", { status: 429 }, ["1=42752", "2=42752", "3=42752"]],
  ["503", { status: 503 }, ["1=42752", "2=42752", "3=42752"]],
  ["507", { status: 507 }, ["1=42752", "2=42752", "3=42752"]],
  ["500", { status: 500 }, ["1=272", "2=272", "3=272"]],
  ["an empty request", { sent: [], status: 200, answer: { kind: "empty" } }, []],
];

for (const [what, outcome, expected] of ROWS) {
  Deno.test(`accountFor: ${what}`, () => assert.deepEqual(summary(outcome), expected));
}

Deno.test("accountFor names a failure's instance, reason and why", () => {
  const sent = [instance("1")];
  const { failed } = accountFor({ sent, status: 503 });
  assert.deepEqual(failed, [{
    "00081150": { vr: "UI", Value: [CLASS] },
    "00081155": { vr: "UI", Value: ["1"] },
    "00081197": { vr: "US", Value: [42752] },
    "00741048": {
      vr: "SQ",
      Value: [{ "00000902": { vr: "LO", Value: ["Store answered 503"] } }],
    },
  }]);
});

Deno.test("accountFor states the reason in at most 64 characters", () => {
  const mediaType = `application/${"x".repeat(100)}`;
  const comments = [
    { status: 200, answer: { kind: "other", mediaType } },
    { status: 202, answer: answered([]) },
    { status: 502, comment: "Connection failed" },
  ] satisfies Partial<StowOutcome>[];
  const texts = comments.map((outcome) => {
    const { failed } = accountFor({ sent: [instance("1")], ...outcome });
    const [why] = failed[0]?.["00741048"]?.Value as DicomJsonDataset[];
    return String(why?.["00000902"]?.Value?.[0]);
  });
  assert.deepEqual(texts, [
    `Store answered 200 with ${mediaType}`.slice(0, 64),
    "Store answered 202 and did not mention it",
    "Connection failed",
  ]);
});

Deno.test("accountFor keeps the store's reason for a failure of a named instance", () => {
  const detail = { ...reason(272), "00090097": { vr: "LT", Value: ["cannot read"] } };
  const { failed } = accountFor({
    sent: [instance("1")],
    status: 409,
    answer: answered([], [detail]),
  });
  assert.deepEqual(failed, [named("1", detail)]);
});
