import assert from "node:assert/strict";
import type { DicomDataset, DicomElement } from "../../src/demo/dicom_dataset.ts";
import { type DicomJsonAttribute, toDicomJson } from "../../src/demo/dicom_json.ts";

const TAG = "00091001";

function dataset(vr: string, bytes: Uint8Array<ArrayBuffer>, characterSet = ""): DicomDataset {
  const elements: [string, DicomElement][] = [[TAG, { vr, bytes }]];
  if (characterSet !== "") {
    elements.unshift(["00080005", { vr: "CS", bytes: new TextEncoder().encode(characterSet) }]);
  }
  return new Map(elements);
}

const values: [
  vr: string,
  value: string | Uint8Array<ArrayBuffer>,
  json: Omit<DicomJsonAttribute, "vr">,
][] = [
  // Text (PS3.18, table F.2.3-1; padding PS3.5, section 6.2)
  ["LO", "", {}],
  ["LO", "AB ", { Value: ["AB"] }],
  ["UI", "1.2.3\0", { Value: ["1.2.3"] }],
  ["CS", "A\\\\B ", { Value: ["A", null, "B"] }],
  ["LT", " a\\b ", { Value: [" a\\b"] }],
  ["UR", "http://x/a ", { Value: ["http://x/a"] }],
  ["UT", "  ", {}],
  ["PN", "A^B=C^D=E^F", { Value: [{ Alphabetic: "A^B", Ideographic: "C^D", Phonetic: "E^F" }] }],
  ["PN", "=C", { Value: [{ Ideographic: "C" }] }],
  ["DS", "1.50\\-2e1 ", { Value: [1.5, -20] }],
  ["IS", "12 ", { Value: [12] }],
  ["IS", "twelve", { Value: ["twelve"] }],
  // Numbers, little endian
  ["US", Uint8Array.of(1, 2, 255, 255), { Value: [513, 65535] }],
  ["SS", Uint8Array.of(255, 255), { Value: [-1] }],
  ["UL", Uint8Array.of(255, 255, 255, 255), { Value: [4294967295] }],
  ["SL", Uint8Array.of(254, 255, 255, 255), { Value: [-2] }],
  ["FL", Uint8Array.of(0, 0, 192, 63), { Value: [1.5] }],
  ["FD", Uint8Array.of(0, 0, 0, 0, 0, 0, 4, 64), { Value: [2.5] }],
  ["SV", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), { Value: ["-1"] }],
  ["UV", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), {
    Value: ["18446744073709551615"],
  }],
  ["AT", Uint8Array.of(16, 0, 32, 0), { Value: ["00100020"] }],
  // Binary
  ["OB", Uint8Array.of(1, 2), { InlineBinary: "AQI=" }],
  ["UN", Uint8Array.of(1, 2), { InlineBinary: "AQI=" }],
  ["OW", new Uint8Array(0), {}],
];

for (const [vr, value, json] of values) {
  Deno.test(`toDicomJson writes ${vr} ${typeof value === "string" ? JSON.stringify(value) : value.toHex()}`, () => {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    assert.deepEqual(toDicomJson(dataset(vr, bytes))[TAG], { vr, ...json });
  });
}

const texts: [characterSet: string, hex: string, text: string][] = [
  ["", "4de5", "Må"],
  ["ISO_IR 100", "4de5", "Må"],
  ["ISO_IR 192", "4dc3a5", "Må"],
  ["ISO_IR 144", "bb", "Л"],
  ["ISO 2022 IR 144\\ISO 2022 IR 149", "bb", "Л"],
  ["GB18030", "cdf5", "王"],
];

for (const [characterSet, hex, text] of texts) {
  Deno.test(`toDicomJson reads text in the character set ${JSON.stringify(characterSet)}`, () => {
    const json = toDicomJson(dataset("LO", Uint8Array.fromHex(hex), characterSet));
    assert.deepEqual(json[TAG]?.Value, [text]);
    const nested: DicomDataset = new Map([
      ...dataset("LO", Uint8Array.fromHex(hex), characterSet),
      ["00400275", { vr: "SQ", items: [dataset("LO", Uint8Array.fromHex(hex))] }],
    ]);
    assert.deepEqual(toDicomJson(nested)["00400275"]?.Value, [{
      [TAG]: { vr: "LO", Value: [text] },
    }]);
  });
}

Deno.test("toDicomJson omits group lengths and writes an empty sequence without value", () => {
  const elements: DicomDataset = new Map([
    ["00080000", { vr: "UL", bytes: new Uint8Array(4) }],
    ["00400275", { vr: "SQ", items: [] }],
  ]);
  assert.deepEqual(toDicomJson(elements), { "00400275": { vr: "SQ" } });
});

Deno.test("toDicomJson writes BulkDataURI for binary values only", () => {
  const asked: string[] = [];
  const bulkDataUri = (tag: string) => {
    asked.push(tag);
    return `bulk/${tag}`;
  };
  const elements: DicomDataset = new Map([
    ["00100020", { vr: "LO", bytes: new Uint8Array(2) }],
    ["7FE00010", { vr: "OB", fragments: [] }],
    [TAG, { vr: "OW", bytes: new Uint8Array(2) }],
  ]);
  assert.deepEqual(toDicomJson(elements, { bulkDataUri })[TAG], {
    vr: "OW",
    BulkDataURI: `bulk/${TAG}`,
  });
  assert.deepEqual(asked, ["7FE00010", TAG]);
});
