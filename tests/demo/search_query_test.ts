import assert from "node:assert/strict";
import type { DicomJson } from "../../src/demo/dicom_json.ts";
import { Problem } from "../../src/demo/problem.ts";
import { isMatch, parseSearchQuery } from "../../src/demo/search_query.ts";

const dataset: DicomJson = {
  "00080018": { vr: "UI", Value: ["1.2.3"] },
  "00080020": { vr: "DA", Value: ["20260102"] },
  "00080030": { vr: "TM", Value: ["101500.5"] },
  "00080060": { vr: "CS", Value: ["CT"] },
  "00080061": { vr: "CS", Value: ["CT", "SR"] },
  "00081030": { vr: "LO", Value: ["Chest (low) a*b"] },
  "00100010": { vr: "PN", Value: [{ Alphabetic: "Demo^Synthetic", Ideographic: "王^小東" }] },
  "00100030": { vr: "DA" },
  "00200013": { vr: "IS", Value: [7] },
  "00400275": { vr: "SQ", Value: [{ "00100020": { vr: "LO", Value: ["CT"] } }] },
};

const rows: [query: string, matches: boolean][] = [
  ["", true],
  // Universal matching (PS3.4, C.2.2.2.3)
  ["PatientName=", true],
  ["PatientName=*", true],
  ["PatientBirthDate=*", true],
  ["PatientID=*", true],
  // Single value matching (C.2.2.2.1)
  ["Modality=CT", true],
  ["Modality=ct", false],
  ["Modality=C", false],
  ["00080060=CT", true],
  ["InstanceNumber=7", true],
  ["InstanceNumber=77", false],
  ["PatientID=X", false],
  ["PatientBirthDate=19700101", false],
  ["ModalitiesInStudy=SR", true],
  ["ModalitiesInStudy=MR", false],
  // A person's name, whatever its case, in any of its groups
  ["PatientName=demo^synthetic", true],
  ["PatientName=王*", true],
  ["PatientName=Demo", false],
  // Wildcard matching (C.2.2.2.4)
  ["PatientName=Dem*", true],
  ["PatientName=*syn*", true],
  ["PatientName=?emo^Synthetic", true],
  ["PatientName=?Demo*", false],
  ["StudyDescription=Chest (low) *", true],
  ["StudyDescription=Chest .low. *", false],
  // List of UID matching (C.2.2.2.2)
  ["SOPInstanceUID=1.2.3", true],
  ["SOPInstanceUID=1.2.4,1.2.3", true],
  ["SOPInstanceUID=1.2.4\\1.2.3", true],
  ["SOPInstanceUID=1.2", false],
  ["SOPInstanceUID=1.2.*", false],
  // Range matching (C.2.2.2.5)
  ["StudyDate=20260102", true],
  ["StudyDate=20260101-20260102", true],
  ["StudyDate=20260102-", true],
  ["StudyDate=-20260102", true],
  ["StudyDate=20260103-", false],
  ["StudyDate=-20260101", false],
  ["PatientBirthDate=19000101-", false],
  ["StudyTime=10-11", true],
  ["StudyTime=101500-1015", true],
  ["StudyTime=1016-", false],
  // Every key has to match
  ["Modality=CT&PatientName=Demo*", true],
  ["Modality=CT&PatientName=Other*", false],
  // A sequence has no text to match
  ["RequestAttributesSequence=CT", false],
];

for (const [query, matches] of rows) {
  Deno.test(`isMatch: ${query || "no key"} ${matches ? "matches" : "does not match"}`, () => {
    assert.equal(isMatch(dataset, parseSearchQuery(new URLSearchParams(query))), matches);
  });
}

Deno.test("parseSearchQuery reads paging, further attributes and fuzzy matching", () => {
  const query = parseSearchQuery(
    new URLSearchParams(
      "limit=5&offset=10&includefield=00281050,WindowWidth&includefield=Unknown&fuzzymatching=true",
    ),
  );
  assert.deepEqual(query, {
    keys: [],
    include: new Set(["00281050", "00281051"]),
    limit: 5,
    offset: 10,
    isFuzzy: true,
  });
  assert.equal(parseSearchQuery(new URLSearchParams("includefield=all")).include, "all");
});

for (
  const query of [
    "limit=-1",
    "limit=x",
    "limit=",
    "offset=1.5",
    "Unknown=1",
    "0040A043.00080100=1",
    "toString=1",
  ]
) {
  Deno.test(`parseSearchQuery rejects ${query}`, () => {
    assert.throws(
      () => parseSearchQuery(new URLSearchParams(query)),
      (error) => error instanceof Problem && error.status === 400,
    );
  });
}
