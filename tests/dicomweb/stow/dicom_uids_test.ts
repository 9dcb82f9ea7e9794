import assert from "node:assert/strict";
import { InstanceHead, type InstanceUids } from "../../../src/dicomweb/stow/dicom_uids.ts";
import { PYDICOM, pydicomJson } from "../../demo/pydicom.ts";
import { CT_IMAGE, dicomFile } from "../../fixtures/dicom_file.ts";
import { needing } from "../../fixtures/installed_tool.ts";

const UIDS = {
  sopClassUid: CT_IMAGE,
  sopInstanceUid: "1.2.3.4",
  seriesInstanceUid: "1.2.3",
  studyInstanceUid: "1.2",
};
const FILE = dicomFile({
  ...UIDS,
  rows: 256,
  columns: 256,
});

function read(file: Uint8Array<ArrayBuffer>, pieceBytes = file.length): InstanceHead {
  const head = new InstanceHead();
  for (let at = 0; at < file.length; at += pieceBytes) {
    head.push(file.subarray(at, at + pieceBytes));
  }
  return head;
}

/** A file of elements: `[tag, VR, value]`, lengths and byte order as the transfer syntax has them. */
type Element = readonly [tag: number, vr: string, value: Uint8Array | string, length?: number];

function file(transferSyntax: string, elements: readonly Element[]): Uint8Array<ArrayBuffer> {
  const meta: Element[] = [
    [0x00020002, "UI", "9.1"],
    [0x00020003, "UI", "9.2"],
    [0x00020010, "UI", transferSyntax],
  ];
  const bytes = [...new Array(128).fill(0), ...ascii("DICM")];
  for (const each of meta) bytes.push(...element(each, "1.2.840.10008.1.2.1"));
  for (const each of elements) bytes.push(...element(each, transferSyntax));
  return Uint8Array.from(bytes);
}

function element([tag, vr, value, length]: Element, transferSyntax: string): number[] {
  const content = typeof value === "string"
    ? ascii(value + "\0".repeat(value.length % 2))
    : [...value];
  const big = transferSyntax === "1.2.840.10008.1.2.2";
  const number = (size: number, what: number) => {
    const bytes = Array.from({ length: size }, (_, at) => Math.floor(what / 256 ** at) % 256);
    return big ? bytes.reverse() : bytes;
  };
  const head = [...number(2, Math.floor(tag / 0x10000)), ...number(2, tag % 0x10000)];
  const size = length ?? content.length;
  if (transferSyntax === "1.2.840.10008.1.2" || vr === "") head.push(...number(4, size));
  else if (["OB", "SQ", "UN", "UT"].includes(vr)) head.push(...ascii(vr), 0, 0, ...number(4, size));
  else head.push(...ascii(vr), ...number(2, size));
  return [...head, ...content];
}

function ascii(text: string): number[] {
  return Array.from(text, (char) => char.charCodeAt(0));
}

const NONE = new Uint8Array(0);
const UNDEFINED = 0xFFFFFFFF;
const DATASET: Element[] = [
  [0x00080016, "UI", "1.1"],
  [0x00080018, "UI", "1.2"],
  [0x0020000D, "UI", "1.3"],
  [0x0020000E, "UI", "1.4"],
];
const ALL: InstanceUids = {
  sopClassUid: "1.1",
  sopInstanceUid: "1.2",
  studyInstanceUid: "1.3",
  seriesInstanceUid: "1.4",
};
const META: InstanceUids = { sopClassUid: "9.1", sopInstanceUid: "9.2" };
/** Sequences whose UIDs are those of other instances. */
const OTHERS: Element[] = [[0x00080018, "UI", "7.7"], [0x0020000D, "UI", "7.8"], [
  0x0020000E,
  "UI",
  "7.9",
]];

/** Files, and their UIDs. */
const FILES: [what: string, transferSyntax: string, elements: Element[], uids: InstanceUids][] = [
  ["explicit VR little endian", "1.2.840.10008.1.2.1", DATASET, ALL],
  ["implicit VR little endian", "1.2.840.10008.1.2", DATASET, ALL],
  ["explicit VR big endian", "1.2.840.10008.1.2.2", DATASET, ALL],
  ["JPEG 2000", "1.2.840.10008.1.2.4.90", DATASET, ALL],
  ["frames that are deflated each for itself", "1.2.840.10008.1.2.8.1", DATASET, ALL],
  ["a deflated dataset: its meta information only", "1.2.840.10008.1.2.1.99", DATASET, META],
  ["a dataset without UIDs: its meta information only", "1.2.840.10008.1.2.1", [], META],
  [
    "long values before the study",
    "1.2.840.10008.1.2.1",
    [...DATASET.slice(0, 2), [0x00091001, "OB", new Uint8Array(5_000)], ...DATASET.slice(2)],
    ALL,
  ],
  [
    "a value that reaches beyond what is held",
    "1.2.840.10008.1.2.1",
    [...DATASET.slice(0, 2), [0x00091001, "OB", new Uint8Array(70_000)], ...DATASET.slice(2)],
    { sopClassUid: "1.1", sopInstanceUid: "1.2" },
  ],
  ...["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"].map((syntax) =>
    [
      `sequences of undefined length, items of both kinds in them (${syntax})`,
      syntax,
      [
        ...DATASET.slice(0, 2),
        [0x00081140, "SQ", NONE, UNDEFINED],
        [0xFFFEE000, "", NONE, UNDEFINED],
        ...OTHERS,
        [0xFFFEE00D, "", NONE],
        [0xFFFEE000, "", NONE, 36],
        ...OTHERS,
        [0xFFFEE0DD, "", NONE],
        ...DATASET.slice(2),
      ],
      ALL,
    ] as [string, string, Element[], InstanceUids]
  ),
  [
    "a sequence of known length",
    "1.2.840.10008.1.2.1",
    [
      ...DATASET.slice(0, 2),
      [
        0x00081140,
        "SQ",
        Uint8Array.from(OTHERS.flatMap((each) => element(each, "1.2.840.10008.1.2.1"))),
      ],
      ...DATASET.slice(2),
    ],
    ALL,
  ],
  [
    "a broken dataset: what stood before",
    "1.2.840.10008.1.2.1",
    [[0x00080018, "UI", "1.2"], [0x00080020, "??", "x"], [0x0020000D, "UI", "1.3"]],
    { sopClassUid: "9.1", sopInstanceUid: "1.2" },
  ],
];

for (const [what, transferSyntax, elements, uids] of FILES) {
  Deno.test(`InstanceHead reads ${what}`, () => {
    const bytes = file(transferSyntax, elements);
    assert.deepEqual({ ...read(bytes).uids }, uids);
    for (const size of [1, 7, 100]) assert.deepEqual({ ...read(bytes, size).uids }, uids);
  });
}

Deno.test("InstanceHead is done before the pixels and ignores further bytes", () => {
  const head = new InstanceHead();
  head.push(FILE.subarray(0, 1_000));
  assert.equal(head.isDone, true);
  assert.deepEqual({ ...head.uids }, UIDS);
  head.push(FILE.subarray(1_000));
  assert.deepEqual({ ...head.uids }, UIDS);
});

/** Beginnings of files that are none, or only half. */
const NO_FILES: [what: string, bytes: Uint8Array<ArrayBuffer>, isDone: boolean][] = [
  ["nothing", new Uint8Array(0), false],
  ["a beginning that is too short to tell", FILE.subarray(0, 131), false],
  ["no DICOM file", new Uint8Array(200), true],
  ["a file without a transfer syntax", FILE.subarray(0, 132).slice(), false],
];

for (const [what, bytes, isDone] of NO_FILES) {
  Deno.test(`InstanceHead finds no UIDs in ${what}`, () => {
    const head = read(bytes);
    assert.deepEqual(head.uids, {});
    assert.equal(head.isDone, isDone);
  });
}

Deno.test("InstanceHead stops after 64 KiB", () => {
  const endless: Element[] = [[0x00080005, "UT", new Uint8Array(100_000)]];
  const head = read(file("1.2.840.10008.1.2.1", endless), 4_096);
  assert.equal(head.isDone, true);
  assert.deepEqual({ ...head.uids }, META);
});

Deno.test(needing(PYDICOM, {
  name: "InstanceHead knows the UIDs of pydicom's test files as pydicom does",
  async fn() {
    let count = 0;
    for await (const { file, json } of pydicomJson([])) {
      const { uids } = read(await Deno.readFile(file), 8_192);
      const text = (tag: string) => json[tag]?.Value?.[0];
      // Some test files are no Part 10 files, and some name the instance in the meta information only.
      if (uids.sopInstanceUid === undefined || text("00080018") === undefined) continue;
      assert.equal(uids.sopInstanceUid, text("00080018"), file);
      assert.equal(uids.sopClassUid, text("00080016"), file);
      // Deflated datasets do not show it.
      if (uids.studyInstanceUid !== undefined) {
        count++;
        assert.equal(uids.studyInstanceUid, text("0020000D"), file);
        assert.equal(uids.seriesInstanceUid, text("0020000E"), file);
      }
    }
    assert.ok(count > 50, `only ${count} files`);
  },
}));
