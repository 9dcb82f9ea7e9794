import assert from "node:assert/strict";
import type { DicomJsonDataset } from "../../../src/dicomweb/dicom_json.ts";
import { readNativeDicomModel } from "../../../src/dicomweb/stow/native_dicom_model.ts";
import { writeNativeDicomModel } from "../../../src/dicomweb/stow/native_dicom_model_writer.ts";

function attribute(tag: string, vr: string, content: string): string {
  return `<DicomAttribute tag="${tag}" vr="${vr}">${content}</DicomAttribute>`;
}

function value(text: string): string {
  return `<Value number="1">${text}</Value>`;
}

function model(content: string): string {
  return `<NativeDicomModel>${content}</NativeDicomModel>`;
}

/** Documents and their datasets (PS3.19, annex A.1; PS3.18, annex F). */
const READ: [what: string, xml: string, json: unknown][] = [
  ["an empty dataset", "<NativeDicomModel/>", {}],
  [
    "a declaration, a comment, a namespace and a prefix",
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- <x> --><d:NativeDicomModel xmlns:d="urn:x" ' +
    `xml:space="preserve"><d:DicomAttribute tag="00080018" vr='UI'><d:Value number="1">1.2</d:Value>` +
    "</d:DicomAttribute></d:NativeDicomModel>\n",
    { "00080018": { vr: "UI", Value: ["1.2"] } },
  ],
  [
    "numbers",
    model(attribute("00081197", "US", value(" 272 ")) + attribute("00280030", "DS", value("0.5"))),
    { "00081197": { vr: "US", Value: [272] }, "00280030": { vr: "DS", Value: [0.5] } },
  ],
  [
    "a number that is none stays text",
    model(attribute("00200013", "IS", value("one"))),
    { "00200013": { vr: "IS", Value: ["one"] } },
  ],
  [
    "several values, an empty one among them",
    model(attribute("00080008", "CS", `${value("A")}<Value number="2"/>${value("C")}`)),
    { "00080008": { vr: "CS", Value: ["A", null, "C"] } },
  ],
  ["an attribute without values", model('<DicomAttribute tag="00081190" vr="UR"/>'), {
    "00081190": { vr: "UR" },
  }],
  [
    "items in items",
    model(attribute(
      "00081199",
      "SQ",
      `<Item number="1">${attribute("0040a730", "SQ", `<Item number="1"/>`)}</Item>`,
    )),
    { "00081199": { vr: "SQ", Value: [{ "0040A730": { vr: "SQ", Value: [{}] } }] } },
  ],
  [
    "entities, character references and CDATA; white space counts in long text",
    model(attribute("00090097", "LT", value(" a &lt;b&gt; &#34;c&#x22; <![CDATA[&amp;<d>]]> "))),
    { "00090097": { vr: "LT", Value: [' a <b> "c" &amp;<d> '] } },
  ],
  [
    "a person's name",
    model(attribute(
      "00100010",
      "PN",
      '<PersonName number="1"><Alphabetic><FamilyName>Doe</FamilyName><NamePrefix>Dr</NamePrefix>' +
        "</Alphabetic><Ideographic><FamilyName>山</FamilyName></Ideographic></PersonName>",
    )),
    { "00100010": { vr: "PN", Value: [{ Alphabetic: "Doe^^^Dr", Ideographic: "山" }] } },
  ],
  [
    "binary values",
    model(
      attribute("00091001", "OB", "<InlineBinary>AA\nEC</InlineBinary>") +
        attribute("7FE00010", "OW", '<BulkData uri="http://store/1?a=1&amp;b"/>'),
    ),
    {
      "00091001": { vr: "OB", InlineBinary: "AAEC" },
      "7FE00010": { vr: "OW", BulkDataURI: "http://store/1?a=1&b" },
    },
  ],
];

for (const [what, xml, json] of READ) {
  Deno.test(`readNativeDicomModel reads ${what}`, () => {
    assert.deepEqual(readNativeDicomModel(xml), json);
  });

  Deno.test(`writeNativeDicomModel writes ${what} so that it is read again`, () => {
    const written = writeNativeDicomModel(json as DicomJsonDataset, new Map());
    assert.deepEqual(readNativeDicomModel(written), json);
  });
}

Deno.test("writeNativeDicomModel names keywords, and numbers values and items", () => {
  const item = { "00080018": { vr: "UI", Value: ["1", "2"] } };
  const keywords = new Map([["00081199", "ReferencedSOPSequence"]]);
  assert.equal(
    writeNativeDicomModel({ "00081199": { vr: "SQ", Value: [item] } }, keywords),
    '<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xml:space="preserve">' +
      '<DicomAttribute tag="00081199" vr="SQ" keyword="ReferencedSOPSequence"><Item number="1">' +
      '<DicomAttribute tag="00080018" vr="UI"><Value number="1">1</Value><Value number="2">2' +
      "</Value></DicomAttribute></Item></DicomAttribute></NativeDicomModel>",
  );
});

Deno.test("writeNativeDicomModel names the creators of private attributes, each by its own dataset and block", () => {
  const creator = (text: string) => ({ vr: "LO", Value: [text] });
  const item = { "00090010": creator("INNER"), "00091001": { vr: "LO", Value: ["a"] } };
  const written = writeNativeDicomModel({
    "00081199": { vr: "SQ", Value: [item] },
    "00090010": creator('ACME "1" '),
    "000900FE": creator("LAST"),
    "00090001": { vr: "LO" },
    "00091001": { vr: "SH" },
    "0009FE97": { vr: "LT" },
    "00091101": { vr: "LT" },
    "00191001": { vr: "LT" },
    "00081001": { vr: "LT" },
  }, new Map());
  const found = [...written.matchAll(/tag="(\w+)" vr="\w+"(?: privateCreator="([^"]*)")?/g)];
  assert.deepEqual(found.map(([, tag, owner]) => [tag, owner]), [
    ["00081199", undefined],
    ["00090010", undefined],
    ["00091001", "INNER"],
    ["00090010", undefined],
    ["000900FE", undefined],
    ["00090001", undefined],
    ["00091001", "ACME &quot;1&quot;"],
    ["0009FE97", "LAST"],
    ["00091101", undefined],
    ["00191001", undefined],
    ["00081001", undefined],
  ]);
});

/** Attributes as a store should not write them, and what is read again. */
const ODD: [what: string, dataset: unknown, read: unknown][] = [
  [
    "characters that XML cannot express",
    { "00090097": { vr: "LT", Value: ["a\0b\x1Bc\uD800d"] } },
    { "00090097": { vr: "LT", Value: ["a\uFFFDb\uFFFDc\uFFFDd"] } },
  ],
  [
    "markup in a VR",
    { "00090097": { vr: '"><x y="', Value: ["a"] } },
    { "00090097": { vr: '"><x y="', Value: ["a"] } },
  ],
  [
    "markup in a tag of an item",
    { "00081199": { vr: "SQ", Value: [{ '"><x y="': { vr: "UI" } }] } },
    { "00081199": { vr: "SQ", Value: [{}] } },
  ],
  [
    "an item that is none, and values that are no list",
    { "00081199": { vr: "SQ", Value: [1] }, "00081190": { vr: "UR", Value: "x" } },
    { "00081199": { vr: "SQ", Value: [{}] }, "00081190": { vr: "UR" } },
  ],
];

for (const [what, dataset, read] of ODD) {
  Deno.test(`writeNativeDicomModel writes XML in spite of ${what}`, () => {
    const written = writeNativeDicomModel(dataset as DicomJsonDataset, new Map());
    assert.deepEqual(readNativeDicomModel(written), read);
  });
}

const REFUSED: [what: string, xml: string][] = [
  ["another document", "<html><body/></html>"],
  ["no document", "plain text"],
  ["an empty text", ""],
  ["a document that is cut off", '<NativeDicomModel><DicomAttribute tag="00081190" vr="UR">'],
  [
    "elements that do not end in their order",
    "<NativeDicomModel><a><b></a></b></NativeDicomModel>",
  ],
  ["two roots", "<NativeDicomModel/><NativeDicomModel/>"],
  ["text beside the root", "<NativeDicomModel/>text"],
  ["a comment without an end", "<NativeDicomModel><!-- </NativeDicomModel>"],
  ["a document type", '<!DOCTYPE a [<!ENTITY e "x">]><NativeDicomModel/>'],
  ["an entity that is not XML's own", model(attribute("00080018", "UI", value("&e;")))],
  ["elements nested without measure", "<Item>".repeat(10_000)],
];

for (const [what, xml] of REFUSED) {
  Deno.test(`readNativeDicomModel rejects ${what}`, () => {
    assert.equal(readNativeDicomModel(xml), undefined);
  });
}
