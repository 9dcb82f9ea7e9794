import assert from "node:assert/strict";
import {
  EMPTY_REPORT,
  readStowAnswer,
  writeStowReport,
} from "../../../src/dicomweb/stow/stow_response.ts";

function reference(instance: string) {
  return {
    "00081150": { vr: "UI", Value: ["1.2.840.10008.5.1.4.1.1.2"] },
    "00081155": { vr: "UI", Value: [instance] },
  };
}

const STORED = { ...reference("1.1"), "00081190": { vr: "UR", Value: ["http://store/1.1"] } };
const FAILED = { ...reference("1.2"), "00081197": { vr: "US", Value: [45070] } };
const DATASET = {
  "00081190": { vr: "UR", Value: ["http://store/studies/1"] },
  "00081198": { vr: "SQ", Value: [FAILED] },
  "00081199": { vr: "SQ", Value: [STORED] },
};
const REPORT = {
  stored: [STORED],
  failed: [FAILED],
  otherFailures: [],
  rest: { "00081190": { vr: "UR", Value: ["http://store/studies/1"] } },
};

/** Bodies that are reports. */
const REPORTS: [what: string, body: string, report: unknown][] = [
  ["what PS3.18, annex I, demands", JSON.stringify(DATASET), REPORT],
  ["a list of one dataset", JSON.stringify([DATASET]), REPORT],
  ["white space and a byte order mark before it", `\uFEFF \n${JSON.stringify(DATASET)}`, REPORT],
  [
    "tags in lower case, which Orthanc reads, too",
    '{"0008119a":{"vr":"SQ","Value":[{"0008119a":{"vr":"SQ"}}]}}',
    { ...EMPTY_REPORT, otherFailures: [{ "0008119A": { vr: "SQ" } }] },
  ],
  [
    "sequences without items and without values",
    '{"00081198":{"vr":"SQ","Value":[]},"00081199":{"vr":"SQ"}}',
    EMPTY_REPORT,
  ],
  ["nothing at all", "{}", EMPTY_REPORT],
  ["an empty list", "[]", EMPTY_REPORT],
];

for (const [what, body, report] of REPORTS) {
  Deno.test(`readStowAnswer reads ${what}`, () => {
    for (const type of ["application/dicom+json", "text/html", null]) {
      assert.deepEqual(readStowAnswer(body, type), { kind: "report", format: "json", report });
    }
  });
}

Deno.test("readStowAnswer reads Google's answer in XML, its private reason with it", () => {
  // The form of dcmjs-org/dcmjs issue 249.
  const xml = '<NativeDicomModel><DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL">' +
    '<Value number="1">https://healthcare.googleapis.com/v1/studies/1</Value></DicomAttribute>' +
    '<DicomAttribute tag="00081198" vr="SQ" keyword="FailedSOPSequence"><Item number="1">' +
    '<DicomAttribute tag="00081197" vr="US" keyword="FailureReason"><Value number="1">272</Value>' +
    '</DicomAttribute><DicomAttribute tag="00090097" vr="LT" keyword="FailureDetail" ' +
    'privateCreator="GOOGLE"><Value number="1">cannot read</Value></DicomAttribute></Item>' +
    "</DicomAttribute></NativeDicomModel>";
  assert.deepEqual(readStowAnswer(xml, "application/dicom+xml"), {
    kind: "report",
    format: "xml",
    report: {
      ...EMPTY_REPORT,
      failed: [{
        "00081197": { vr: "US", Value: [272] },
        "00090097": { vr: "LT", Value: ["cannot read"] },
      }],
      rest: {
        "00081190": { vr: "UR", Value: ["https://healthcare.googleapis.com/v1/studies/1"] },
      },
    },
  });
});

/** Bodies that are no reports, and the media types reported. */
const OTHERS: [what: string, body: string, type: string | null, mediaType: string][] = [
  ["a login page", "<!doctype html><html></html>", "text/html; charset=utf-8", "text/html"],
  [
    "an error in XML",
    "<Error><Code>AccessDenied</Code></Error>",
    "application/xml",
    "application/xml",
  ],
  ["Google's and Azure's error", '{"error":{"code":403}}', "application/json", "application/json"],
  ["a list of errors", '[{"error":{"code":403}}]', null, "an unknown media type"],
  ["broken JSON", '{"00081199":', "application/dicom+json", "application/dicom+json"],
  [
    "JSON that is no dataset",
    '{"00081199":[]}',
    "application/dicom+json",
    "application/dicom+json",
  ],
  ["a word", "null", "text/plain", "text/plain"],
];

for (const [what, body, type, mediaType] of OTHERS) {
  Deno.test(`readStowAnswer does not read ${what} as a report`, () => {
    assert.deepEqual(readStowAnswer(body, type), { kind: "other", mediaType });
  });
}

Deno.test("readStowAnswer recognizes an empty body", () => {
  assert.deepEqual(readStowAnswer(" \r\n", "application/dicom+json"), { kind: "empty" });
});

Deno.test("writeStowReport leaves out sequences without items and orders by tags", () => {
  const written = writeStowReport({
    stored: [STORED],
    failed: [],
    otherFailures: [],
    rest: { "00091001": { vr: "LO" }, "00081190": { vr: "UR" } },
  });
  assert.equal(
    written,
    `{"00081190":{"vr":"UR"},"00081199":{"vr":"SQ","Value":[${JSON.stringify(STORED)}]},` +
      '"00091001":{"vr":"LO"}}',
  );
});

Deno.test("writeStowReport writes what readStowAnswer reads", () => {
  const report = { ...REPORT, otherFailures: [{ "00081197": { vr: "US", Value: [272] } }] };
  assert.deepEqual(readStowAnswer(writeStowReport(report), null), {
    kind: "report",
    format: "json",
    report,
  });
});

Deno.test("writeStowReport translates URLs at any depth, and no other text", () => {
  const url = (value: unknown) => ({ "00081190": { vr: "UR", Value: [value] } });
  const report = (from: string) => ({
    stored: [{ ...url(from), "00081115": { vr: "SQ", Value: [url(from)] } }],
    failed: [{ "00091010": { vr: "OB", BulkDataURI: from }, "0020000D": { vr: "UI" } }],
    otherFailures: [{ ...url(null), "00091011": { vr: "LO", Value: ["http://store/1"] } }],
    rest: { ...url("http://elsewhere/1"), "0040E010": { vr: "UR", Value: ["", from] } },
  });
  const written = writeStowReport(
    report("http://store/1"),
    (text) => text.replace("http://store", "https://gateway"),
  );
  assert.equal(written, writeStowReport(report("https://gateway/1")));
  const odd = {
    ...EMPTY_REPORT,
    stored: [{ "00081115": { vr: "SQ", Value: [{ "00081190": 1 }] } }],
  };
  // deno-lint-ignore no-explicit-any
  assert.equal(writeStowReport(odd as any, () => "x"), writeStowReport(odd as any));
});
