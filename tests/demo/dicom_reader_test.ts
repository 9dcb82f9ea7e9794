import assert from "node:assert/strict";
import { plainString } from "../../src/demo/dicom_dataset.ts";
import { type DicomJson, toDicomJson } from "../../src/demo/dicom_json.ts";
import { DicomFileError, readDicomFile, TransferSyntaxError } from "../../src/demo/dicom_reader.ts";
import { writeDicomFile } from "../../src/demo/dicom_writer.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { PYDICOM, pydicomJson } from "./pydicom.ts";

const EXPLICIT = "1.2.840.10008.1.2.1";
const IMPLICIT = "1.2.840.10008.1.2";

/** A file of the given transfer syntax whose dataset is written by hand, in hexadecimal. */
function fileOf(transferSyntax: string, dataset: string): Uint8Array<ArrayBuffer> {
  const value = new TextEncoder().encode(
    transferSyntax.padEnd(transferSyntax.length + transferSyntax.length % 2, "\0"),
  );
  return new Uint8Array([
    ...new Uint8Array(128),
    ...new TextEncoder().encode("DICM"),
    ...Uint8Array.fromHex(`02001000${"5549"}`),
    value.length,
    0,
    ...value,
    ...Uint8Array.fromHex(dataset.replace(/\s/g, "")),
  ]);
}

function jsonOf(transferSyntax: string, dataset: string): DicomJson {
  return toDicomJson(readDicomFile(fileOf(transferSyntax, dataset)).dataset);
}

Deno.test(needing(PYDICOM, {
  name: "readDicomFile reads pydicom's test files as pydicom does",
  async fn() {
    const differences: string[] = [];
    let read = 0;
    let refused = 0;
    for await (const { file, json } of pydicomJson([])) {
      try {
        const { dataset } = readDicomFile(await Deno.readFile(file));
        compare(toDicomJson(dataset), json, file.replace(/.*\//, ""), differences);
        read++;
      } catch (error) {
        assert.ok(error instanceof DicomFileError, `${file}: ${error}`);
        refused++;
      }
    }
    assert.deepEqual(differences, []);
    // Big endian, deflated, truncated and mislabelled ones are among pydicom's files.
    assert.ok(read >= 50 && refused <= 12, `${read} read, ${refused} refused`);
  },
}));

/** Notes where two datasets differ, but for what is known to differ and right either way. */
function compare(ours: DicomJson, theirs: DicomJson, path: string, differences: string[]): void {
  for (const tag of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [a, b] = [ours[tag], theirs[tag]];
    // Group lengths, values of attributes that are not in the dictionary, and compressed pixels.
    if (tag.endsWith("0000") || a?.vr === "UN" || (tag === "7FE00010" && !a?.InlineBinary)) {
      continue;
    }
    if (a?.vr === "SQ" && b?.vr === "SQ") {
      assert.equal(a.Value?.length ?? 0, b.Value?.length ?? 0, `${path} ${tag}`);
      a.Value?.forEach((item, n) =>
        compare(item as DicomJson, b.Value![n] as DicomJson, `${path} ${tag}[${n}]`, differences)
      );
    } else if (unpadded(a) !== unpadded(b)) differences.push(`${path} ${tag} ${unpadded(a)}`);
  }
}

/** pydicom leaves the padding within values of several parts. */
function unpadded(attribute: unknown): string {
  return JSON.stringify(attribute)?.replace(/ +"/g, '"');
}

const datasets: [why: string, transferSyntax: string, hex: string, json: DicomJson][] = [
  ["implicit VR, known attribute", IMPLICIT, "10002000 04000000 41423120", {
    "00100020": { vr: "LO", Value: ["AB1"] },
  }],
  ["implicit VR, unknown attribute", IMPLICIT, "10008888 02000000 0102", {
    "00108888": { vr: "UN", InlineBinary: "AQI=" },
  }],
  ["implicit VR, private creator", IMPLICIT, "11001000 04000000 41434D45", {
    "00110010": { vr: "LO", Value: ["ACME"] },
  }],
  [
    "a sequence of stated lengths",
    EXPLICIT,
    "08001111 5351 0000 12000000 FEFF00E0 0A000000 08006000 4353 0200 4354",
    {
      "00081111": { vr: "SQ", Value: [{ "00080060": { vr: "CS", Value: ["CT"] } }] },
    },
  ],
  [
    "a sequence of undefined lengths, then an element",
    EXPLICIT,
    "08001111 5351 0000 FFFFFFFF FEFF00E0 FFFFFFFF 08006000 4353 0200 4354 FEFF0DE0 00000000 FEFFDDE0 00000000 10002000 4C4F 0200 4142",
    {
      "00081111": { vr: "SQ", Value: [{ "00080060": { vr: "CS", Value: ["CT"] } }] },
      "00100020": { vr: "LO", Value: ["AB"] },
    },
  ],
  [
    "UN of undefined length is a sequence in implicit VR",
    EXPLICIT,
    "09000110 554E 0000 FFFFFFFF FEFF00E0 0A000000 08006000 02000000 4354 FEFFDDE0 00000000",
    {
      "00091001": { vr: "SQ", Value: [{ "00080060": { vr: "CS", Value: ["CT"] } }] },
    },
  ],
  ["UN of a known attribute", EXPLICIT, "10002000 554E 0000 02000000 4142", {
    "00100020": { vr: "LO", Value: ["AB"] },
  }],
];

for (const [why, transferSyntax, hex, json] of datasets) {
  Deno.test(`readDicomFile reads ${why}`, () =>
    assert.deepEqual(jsonOf(transferSyntax, hex), json));
}

Deno.test("readDicomFile keeps compressed pixel data as fragments", () => {
  const file = fileOf(
    "1.2.840.10008.1.2.4.50",
    "E07F1000 4F42 0000 FFFFFFFF FEFF00E0 00000000 FEFF00E0 04000000 FFD8FFD9 FEFFDDE0 00000000",
  );
  const pixels = readDicomFile(file).dataset.get("7FE00010")!;
  assert.ok("fragments" in pixels);
  assert.deepEqual(pixels.fragments.map((each) => each.toHex()), ["", "ffd8ffd9"]);
});

Deno.test("readDicomFile does not copy values", () => {
  const file = fileOf(EXPLICIT, "10002000 4C4F 0200 4142");
  const element = readDicomFile(file).dataset.get("00100020")!;
  assert.ok("bytes" in element);
  assert.equal(element.bytes.buffer, file.buffer);
});

const deep = "08001111 5351 0000 FFFFFFFF FEFF00E0 FFFFFFFF".repeat(100);
const broken: [why: string, file: Uint8Array<ArrayBuffer>, message: RegExp][] = [
  ["an empty file", new Uint8Array(0), /DICM mark/],
  ["a file that is something else", new TextEncoder().encode("x".repeat(500)), /DICM mark/],
  ["a file without meta information", fileOf(EXPLICIT, "").slice(0, 132), /no transfer syntax/],
  [
    "a value that is cut off",
    fileOf(EXPLICIT, "10002000 4C4F 0400 4142"),
    /ends within an element/,
  ],
  ["a tag that is cut off", fileOf(EXPLICIT, "1000"), /ends within an element/],
  [
    "a length beyond the file",
    fileOf(EXPLICIT, "E07F1000 4F57 0000 F0FFFFFF 0000"),
    /ends within an element/,
  ],
  [
    "a sequence beyond the file",
    fileOf(EXPLICIT, "08001111 5351 0000 FF000000"),
    /ends within a sequence/,
  ],
  [
    "an item beyond its sequence",
    fileOf(EXPLICIT, "08001111 5351 0000 08000000 FEFF00E0 0A000000 08006000 4353 0200 4354"),
    /ends within a sequence/,
  ],
  [
    "something else than items in a sequence",
    fileOf(EXPLICIT, "08001111 5351 0000 08000000 08006000 00000000"),
    /00080060 instead of an item/,
  ],
  [
    "something else than fragments",
    fileOf(EXPLICIT, "E07F1000 4F42 0000 FFFFFFFF 08006000 00000000"),
    /00080060 instead of a fragment/,
  ],
  [
    "explicit VR that is not",
    fileOf(EXPLICIT, "10002000 02000000 4142"),
    /00100020 has no value representation/,
  ],
  ["sequences nested without end", fileOf(EXPLICIT, deep), /nested too deeply/],
];

for (const [why, file, message] of broken) {
  Deno.test(`readDicomFile rejects ${why}`, () => {
    assert.throws(() => readDicomFile(file), (error: Error) => {
      assert.ok(error instanceof DicomFileError && !(error instanceof TransferSyntaxError));
      assert.match(error.message, message);
      return true;
    });
  });
}

for (
  const transferSyntax of [
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.94",
  ]
) {
  Deno.test(`readDicomFile rejects the transfer syntax ${transferSyntax}`, () => {
    assert.throws(() => readDicomFile(fileOf(transferSyntax, "")), TransferSyntaxError);
  });
}

Deno.test("readDicomFile fails on every truncated file, always with its own error", () => {
  const whole = writeDicomFile(
    {
      SOPClassUID: "1.2",
      SOPInstanceUID: "1.2.3",
      PatientName: "Demo^Synthetic",
      PixelData: new Uint8Array(8),
    },
    { classUid: "2.25.1", versionName: "TEST" },
  );
  let readable = 0;
  for (let length = 0; length < whole.length; length++) {
    try {
      const { dataset } = readDicomFile(whole.slice(0, length));
      // Cut between two elements, it is a complete file of fewer elements.
      assert.equal(dataset.has("7FE00010"), false);
      readable++;
    } catch (error) {
      assert.ok(error instanceof DicomFileError, `${error}`);
    }
  }
  // After the transfer syntax, there are two elements of the meta information and three of the dataset.
  assert.equal(readable, 6);
  assert.equal(plainString(readDicomFile(whole).dataset, "00080018"), "1.2.3");
});
