import assert from "node:assert/strict";
import { StowInventory } from "../../../src/dicomweb/stow/stow_inventory.ts";
import { BOUNDARY, bytes, instances, STOW_TYPE, stowBody } from "../../fixtures/stow_request.ts";
import { inPiecesOf } from "../../fixtures/stow_request.ts";

const ALL = instances(3);
const UIDS = ["1.2.3.1", "1.2.3.2", "1.2.3.3"];
const text = (pieces: Iterable<Uint8Array<ArrayBuffer>>) =>
  [...pieces].map((piece) => new TextDecoder("latin1").decode(piece)).join("");
const part = (headers: string, content: string) => `--b\r\n${headers}\r\n\r\n${content}\r\n`;
const dicom = "Content-Type: application/dicom";
const TYPE = 'multipart/related; type="application/dicom"; boundary=b';

function latin1(written: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(written, (char) => char.charCodeAt(0));
}

interface Given {
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly body: Iterable<Uint8Array<ArrayBuffer>> | string;
}

/** Bodies, the UIDs in them (`?` where one is not known; undefined: nothing is known), and whether they are whole. */
const ROWS: [what: string, given: Given, uids: string[] | undefined, isWhole: boolean][] = [
  ["parts with their length, as Orthanc sends", { body: stowBody(ALL) }, UIDS, true],
  ["parts without, as dicomweb-client", { body: stowBody(ALL, { withLength: false }) }, UIDS, true],
  [
    "a preamble and an epilogue",
    {
      body: [bytes("hello\r\n"), ...stowBody(ALL), bytes("\r\nbye")],
    },
    UIDS,
    true,
  ],
  ["no part", { body: stowBody([]) }, [], true],
  ["an empty body", { body: "" }, [], true],
  ["parts without a type", { type: TYPE, body: part("X-A: b", "1") + "--b--" }, ["?"], true],
  [
    "parts of octets",
    {
      type: TYPE,
      body: part("Content-Type: application/octet-stream", "1") + "--b--",
    },
    ["?"],
    true,
  ],
  [
    "files that are no DICOM",
    {
      type: TYPE,
      body: part(dicom, "1") + part(dicom, "2") + "--b--",
    },
    ["?", "?"],
    true,
  ],
  ["an empty part", { type: TYPE, body: part(dicom, "") + "--b--" }, ["?"], true],
  [
    "an empty part that says so",
    {
      type: TYPE,
      body: part(`${dicom}\r\nContent-Length: 0`, "") + "--b--",
    },
    ["?"],
    true,
  ],
  [
    "a length that is too short",
    {
      type: TYPE,
      body: part(`${dicom}\r\nContent-Length: 1`, "abc") + "--b--",
    },
    undefined,
    true,
  ],
  [
    "a length that leads into the next part",
    {
      type: TYPE,
      body: part(`${dicom}\r\nContent-Length: 60`, "abc") + part(dicom, "x".repeat(99)) + "--b--",
    },
    undefined,
    true,
  ],
  [
    "a length beyond the end",
    {
      type: TYPE,
      body: part(`${dicom}\r\nContent-Length: 999999`, "abc") + "--b--",
    },
    undefined,
    true,
  ],
  [
    "a length that is none",
    {
      type: TYPE,
      body: part(`${dicom}\r\nContent-Length: -1`, "abc") + "--b--",
    },
    ["?"],
    true,
  ],
  [
    "lines that end with LF alone",
    {
      type: TYPE,
      body: (part(dicom, "abc") + "--b--\r\n").replaceAll("\r", ""),
    },
    undefined,
    true,
  ],
  [
    "a boundary in the pixels",
    {
      type: TYPE,
      body: part(`${dicom}\r\nContent-Length: 12`, "\r\n--b\r\n\r\n123") + "--b--",
    },
    ["?"],
    true,
  ],
  [
    "a broken part header",
    { type: TYPE, body: part("no header", "abc") + "--b--" },
    undefined,
    true,
  ],
  [
    "a part header that never ends",
    {
      type: TYPE,
      body: part(`X-A: ${"a".repeat(20_000)}`, "abc") + "--b--",
    },
    undefined,
    true,
  ],
  [
    "metadata with bulk data",
    {
      type: 'multipart/related; type="application/dicom+json"; boundary=b',
      body: part("Content-Type: application/dicom+json", "[{},{}]") +
        part("Content-Type: application/octet-stream", "1") + "--b--",
    },
    undefined,
    true,
  ],
  ["no closing delimiter", { body: stowBody(ALL, { end: "" }) }, undefined, false],
  [
    "another part instead of it",
    { body: stowBody(ALL, { end: `--${BOUNDARY}\r\n` }) },
    undefined,
    false,
  ],
  ["half of it", { body: stowBody(ALL, { end: `--${BOUNDARY}-` }) }, undefined, false],
  [
    "one instance by itself",
    { type: "application/dicom", body: [ALL[1]!.file] },
    ["1.2.3.2"],
    true,
  ],
  ["one file that is none", { type: "application/dicom", body: "abc" }, ["?"], true],
  ["JSON", { type: "application/dicom+json", body: "[{}]" }, undefined, true],
  ["half of JSON", { type: "application/dicom+json", body: "[{}" }, undefined, false],
  ["no type", { type: "", body: "abc" }, undefined, true],
  ["multipart without a boundary", { type: "multipart/related", body: "abc" }, undefined, true],
  ["an encoded body", { headers: { "content-encoding": "gzip" }, body: "abc" }, undefined, true],
];

for (const [what, { type = STOW_TYPE, headers, body }, uids, isWhole] of ROWS) {
  Deno.test(`StowInventory: ${what}`, () => {
    const all = latin1(typeof body === "string" ? body : text(body));
    for (const size of [1, 2, 3, 7, 64, 1000, all.length || 1]) {
      const inventory = new StowInventory(new Headers({ "content-type": type, ...headers }));
      for (const piece of inPiecesOf([all], size)) inventory.push(piece);
      assert.equal(inventory.isReached, isWhole, `in pieces of ${size}`);
      const listed = inventory.instances?.map(({ sopInstanceUid }) => sopInstanceUid ?? "?");
      assert.deepEqual(listed, uids, `in pieces of ${size}`);
      assert.equal(inventory.received, all.length);
    }
  });
}

Deno.test("StowInventory counts on beyond the 50,000 instances that it names", () => {
  const inventory = new StowInventory(new Headers({ "content-type": STOW_TYPE }));
  const piece = latin1(text(stowBody(instances(1, 0), { end: "" })));
  for (let count = 0; count < 50_002; count++) inventory.push(piece);
  inventory.push(bytes(`--${BOUNDARY}--`));
  const listed = inventory.instances!;
  assert.deepEqual([listed.length, listed[49_999]!.sopInstanceUid], [50_002, "1.2.3.1"]);
  assert.equal(listed[50_000]!.sopInstanceUid, undefined);
});
