import assert from "node:assert/strict";
import type { DicomJsonDataset } from "../../../src/dicomweb/dicom_json.ts";
import {
  acceptDuplicates,
  mergeReports,
  trueStatus,
  worstOf,
} from "../../../src/dicomweb/stow/stow_merge.ts";
import { EMPTY_REPORT, type StowReport } from "../../../src/dicomweb/stow/stow_response.ts";

function item(uid: string, more: DicomJsonDataset = {}): DicomJsonDataset {
  return { "00081155": { vr: "UI", Value: [uid] }, ...more };
}

function reason(code: number | string): DicomJsonDataset {
  return { "00081197": { vr: "US", Value: [code] } };
}

function warning(code: number): DicomJsonDataset {
  return { "00081196": { vr: "US", Value: [code] } };
}

function report(
  stored: DicomJsonDataset[],
  failed: DicomJsonDataset[] = [],
  otherFailures: DicomJsonDataset[] = [],
): StowReport {
  return { ...EMPTY_REPORT, stored, failed, otherFailures };
}

/** Failures of one instance, and whether they count as stored. */
const DUPLICATES: [what: string, reasons: number[], failure: DicomJsonDataset, counts: boolean][] =
  [
    ["Azure's 45070, already stored", [45070], item("1", reason(45070)), true],
    ["a code that is written as text", [45070], item("1", reason("45070")), true],
    ["Azure's 45071, in progress, unless configured", [45070], item("1", reason(45071)), false],
    ["Azure's 45071 where configured", [45070, 45071], item("1", reason(45071)), true],
    ["Azure's 43264, not valid", [45070], item("1", reason(43264)), false],
    // Google stores the same again; 409 means other content under the UIDs.
    ["Google's 272 at 409", [], item("1", reason(272)), false],
    ["a failure that names no instance", [45070], reason(45070), false],
    ["a failure without a reason", [45070], item("1"), false],
    ["none where the list is empty", [], item("1", reason(45070)), false],
  ];

for (const [what, reasons, failure, counts] of DUPLICATES) {
  Deno.test(`acceptDuplicates: ${what}: ${counts ? "stored" : "failed"}`, () => {
    const given = report([item("0")], [failure]);
    const accepted = acceptDuplicates(given, reasons);
    assert.equal(accepted.stored.length, counts ? 2 : 1);
    assert.equal(accepted.failed.length, counts ? 0 : 1);
    assert.equal(accepted === given, !counts);
  });
}

Deno.test("acceptDuplicates keeps the store's code as a warning, and writes a Retrieve URL", () => {
  const known = {
    storeUrl: "https://store.example",
    sent: [{ sopInstanceUid: "1", studyInstanceUid: "1.1", seriesInstanceUid: "1.2" }],
  };
  const failures = [item("1", reason(45070)), item("2", reason(45070))];
  const { stored } = acceptDuplicates(report([], failures), [45070], known);
  assert.deepEqual(stored, [
    {
      ...item("1"),
      "00081190": {
        vr: "UR",
        Value: ["https://store.example/studies/1.1/series/1.2/instances/1"],
      },
      ...warning(45070),
    },
    { ...item("2"), "00081190": { vr: "UR" }, ...warning(45070) },
  ]);
});

/** Reports, the status if nothing is stored, and the resulting status (PS3.18, table 10.5.3-1). */
const STATUSES: [what: string, report: StowReport, otherwise: number, status: number][] = [
  ["all stored", report([item("1")]), 409, 200],
  ["some failed", report([item("1")], [item("2")]), 409, 202],
  ["another failure", report([item("1")], [], [{}]), 503, 202],
  ["a warning", report([item("1", warning(0xB006))]), 409, 202],
  ["a duplicate that counts as stored", report([item("1", warning(45070))]), 409, 200],
  ["a duplicate beside a failure", report([item("1", warning(45070))], [item("2")]), 409, 202],
  ["none stored", report([], [item("1")]), 409, 409],
  ["none stored, the store failed", report([], [item("1")]), 503, 503],
  ["none stored, but told 200", report([], [item("1")]), 200, 409],
  ["only other failures, told 202", report([], [], [{}]), 202, 409],
  ["nothing to store", report([]), 200, 200],
];

for (const [what, given, otherwise, status] of STATUSES) {
  Deno.test(`trueStatus: ${what}: ${status}`, () => {
    assert.equal(trueStatus(given, otherwise, [45070]), status);
  });
}

/** Statuses of failures, and the one to report. */
const WORST: [statuses: number[], worst: number | undefined][] = [
  [[], undefined],
  [[409, 409], 409],
  [[409, 400], 400],
  [[400, 413], 413],
  [[413, 403], 403],
  [[403, 401], 401],
  [[401, 429], 429],
  [[429, 500, 409], 500],
  [[503, 502], 503],
  [[200, 409], 200],
];

for (const [statuses, worst] of WORST) {
  Deno.test(`worstOf ${statuses.join(", ")}: ${worst}`, () => {
    assert.equal(statuses[worstOf(statuses)], worst);
  });
}

function url(value: string): DicomJsonDataset {
  return { "00081190": { vr: "UR", Value: [value] } };
}

Deno.test("mergeReports keeps all items, in the order of the requests", () => {
  const merged = mergeReports([
    report([item("1")], [item("2")]),
    report([item("3")], [], [reason(272)]),
    report([], [item("4")]),
  ]);
  assert.deepEqual(merged.stored, [item("1"), item("3")]);
  assert.deepEqual(merged.failed, [item("2"), item("4")]);
  assert.deepEqual(merged.otherFailures, [reason(272)]);
});

/** Retrieve URLs of reports, with how many instances they have stored, and the one of all. */
const URLS: [
  what: string,
  given: [url: string | undefined, stored: number][],
  all: string | undefined,
][] = [
  ["of one study", [["a", 1], ["a", 2]], "a"],
  ["of several studies", [["a", 1], ["b", 1]], undefined],
  ["not given", [["a", 1], [undefined, 1]], undefined],
  ["of a request that stored nothing", [["a", 1], [undefined, 0], ["b", 0]], "a"],
  ["nothing stored", [["a", 0], ["a", 0]], undefined],
  ["of the only report, which is the store's own", [["a", 0]], "a"],
];

for (const [what, given, all] of URLS) {
  Deno.test(`mergeReports: Retrieve URL ${what}`, () => {
    const merged = mergeReports(given.map(([each, stored]) => ({
      ...report(new Array(stored).fill(item("1"))),
      rest: each === undefined ? {} : url(each),
    })));
    const expected = all === undefined ? { "00081190": { vr: "UR" } } : url(all);
    assert.deepEqual(merged.rest, expected);
  });
}
