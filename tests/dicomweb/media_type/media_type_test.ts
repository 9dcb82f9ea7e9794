import assert from "node:assert/strict";
import {
  formatMediaType,
  parseAccept,
  parseMediaType,
} from "../../../src/dicomweb/media_type/media_type.ts";
import { processorMs } from "../../fixtures/processor_time.ts";

const types: [why: string, text: string, essence: string, parameters: Record<string, string>][] = [
  ["RFC 9110 8.3.1", "Application/DICOM+json", "application/dicom+json", {}],
  [
    "Orthanc's STOW",
    'multipart/related; type="application/dicom"; boundary=x-1',
    "multipart/related",
    {
      type: "application/dicom",
      boundary: "x-1",
    },
  ],
  [
    "OHIF's frames, unquoted type",
    "multipart/related; type=application/octet-stream; transfer-syntax=*",
    "multipart/related",
    {
      type: "application/octet-stream",
      "transfer-syntax": "*",
    },
  ],
  ["semicolon and escapes in quotes", 'a/b; boundary="x;y\\"z\\\\"', "a/b", {
    boundary: 'x;y"z\\',
  }],
  [
    "a boundary with = and / unquoted",
    "multipart/related;boundary=----=_Part/1.2=",
    "multipart/related",
    {
      boundary: "----=_Part/1.2=",
    },
  ],
  ["white space and empty parameters", "a/b ;; x = 1 ; ", "a/b", { x: "1" }],
  ["the first of a repeated parameter", "a/b;X=1;x=2", "a/b", { x: "1" }],
];

for (const [why, text, essence, parameters] of types) {
  Deno.test(`parseMediaType reads ${text} (${why})`, () => {
    const type = parseMediaType(text);
    assert.equal(type?.essence, essence);
    assert.deepEqual(Object.fromEntries(type!.parameters), parameters);
  });
}

for (const text of ["", "dicom", "a/", "/b", "a/b c", 'a/b; x="open', "a/b, c/d", 'a/b; x="1"2']) {
  Deno.test(`parseMediaType rejects ${JSON.stringify(text)}`, () => {
    // A list is no media type either, unless its comma is in a parameter's value.
    assert.equal(parseMediaType(text), undefined);
  });
}

Deno.test("parseAccept sorts by quality, keeps the order of equals and drops what is not accepted", () => {
  const accepted = parseAccept(
    'application/json;q=0.2, multipart/related; type="application/dicom"; transfer-syntax=*, image/jpeg;q=0, nonsense, text/html',
  );
  assert.deepEqual(accepted.map((each) => [each.essence, each.quality]), [
    ["multipart/related", 1],
    ["text/html", 1],
    ["application/json", 0.2],
  ]);
  assert.equal(accepted[0]?.parameters.get("transfer-syntax"), "*");
});

Deno.test("parseAccept takes a missing or blank header as any type", () => {
  for (const header of [undefined, null, "", "  "]) {
    assert.deepEqual(parseAccept(header).map((each) => each.essence), ["*/*"]);
  }
  assert.deepEqual(parseAccept("nonsense"), []);
});

Deno.test("parseAccept does not split at a comma in quotes", () => {
  const [first, ...rest] = parseAccept('multipart/related; type="a/b, c/d"');
  assert.equal(first?.parameters.get("type"), "a/b, c/d");
  assert.deepEqual(rest, []);
});

Deno.test("parseMediaType reads back what formatMediaType writes", () => {
  const parameters = new Map([["type", "application/dicom"], ["boundary", 'we"ird\\ ;,'], [
    "x",
    "",
  ]]);
  const type = parseMediaType(formatMediaType({ essence: "multipart/related", parameters }));
  assert.deepEqual(type, { essence: "multipart/related", parameters });
});

Deno.test("parseMediaType takes time in proportion to a hostile header's length", async () => {
  const ms = await processorMs(() => {
    parseMediaType(`a/b${"; ".repeat(20_000)}"`);
    parseMediaType(`a/b;x=${" ".repeat(40_000)}"`);
    parseAccept(`a/b;x="${'\\"'.repeat(20_000)}`);
    parseAccept(`"${",".repeat(20_000)}`);
  });
  assert.ok(ms < 1000, `${ms} ms`);
});

Deno.test("parseAccept: media ranges beyond the first 256 are ignored", () => {
  const last = (others: number) =>
    parseAccept("text/plain;q=0.1, ".repeat(others) + "image/jp2")[0];
  assert.equal(last(255)?.essence, "image/jp2");
  assert.equal(last(256)?.essence, "text/plain");
});
