import assert from "node:assert/strict";
import fc from "fast-check";
import { createUrlMap } from "../../../src/dicomweb/urls/url_map.ts";
import { XmlUrlRewriter } from "../../../src/dicomweb/urls/xml_url_rewriter.ts";
import { cuts, rewriteByteByByte, rewriteCut } from "../cut_bytes.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "https://gateway.example/dicom-web/main";
const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function rewrite(xml: string, resource?: string): string {
  const make = () => new XmlUrlRewriter(toGateway, resource === undefined ? {} : { resource });
  const whole = new TextDecoder().decode(rewriteCut(make(), encode(xml)));
  assert.equal(new TextDecoder().decode(rewriteByteByByte(make(), encode(xml))), whole);
  return whole;
}

const A = `${STORE}/a`;
const B = `${GATEWAY}/a`;
const urlAttribute = (value: string) =>
  `<DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL">${value}</DicomAttribute>`;

/** Documents, and what they become; unchanged by default. */
const rows: [why: string, xml: string, expected?: string][] = [
  ["bulk data (PS3.19, A.1)", `<BulkData uri="${A}"/>`, `<BulkData uri="${B}"/>`],
  [
    "bulk data of old (CP-2032)",
    `<BulkData URI='${A}'></BulkData>`,
    `<BulkData URI='${B}'></BulkData>`,
  ],
  [
    "bulk data in a namespace",
    `<d:BulkData d="1" uri = "${A}" />`,
    `<d:BulkData d="1" uri = "${B}" />`,
  ],
  ["bulk data by UUID", `<BulkData uuid="${A}"/>`],
  [
    "entities",
    `<BulkData uri="${A}?b=1&amp;c=2&#38;d=&#x26;"/>`,
    `<BulkData uri="${B}?b=1&amp;c=2&amp;d=&amp;"/>`,
  ],
  ["a quote in a URL", `<BulkData uri='${A}?b=&apos;&quot;'/>`, `<BulkData uri='${B}?b=%27%22'/>`],
  ["a URL like a pattern", `<BulkData uri="${A}?$&amp;$1"/>`, `<BulkData uri="${B}?$&amp;$1"/>`],
  [
    "dot segments in references",
    `<BulkData uri="${A}/&#x2e;&#x2e;/b"/>`,
    `<BulkData uri="${GATEWAY}/b"/>`,
  ],
  ["the gateway's own", `<BulkData uri="${B}?b&amp;c"/>`],
  ["text behind an empty value", urlAttribute(`<Value/>${A}`)],
  ["an entity of the document's own", `<BulkData uri="${A}&store;"/>`],
  ["a code point that is none", `<BulkData uri="${A}&#x110000;"/>`],
  [
    "> and another URL in attributes",
    `<BulkData x="> uri='${A}'" uri="${A}" y='/>'/>`,
    `<BulkData x="> uri='${A}'" uri="${B}" y='/>'/>`,
  ],
  [
    "retrieve URL",
    urlAttribute(`<Value number="1">${A}</Value>`),
    urlAttribute(`<Value number="1">${B}</Value>`),
  ],
  [
    "retrieve URL, white space kept",
    urlAttribute(`\n <Value number="1">\n${A}\t</Value>`),
    urlAttribute(`\n <Value number="1">\n${B}\t</Value>`),
  ],
  [
    "retrieve URL with entities",
    urlAttribute(`<Value>${A}?b&amp;c</Value>`),
    urlAttribute(`<Value>${B}?b&amp;c</Value>`),
  ],
  [
    "two values",
    urlAttribute(`<Value number="1">${A}</Value><Value number="2">${A}</Value>`),
    urlAttribute(`<Value number="1">${B}</Value><Value number="2">${B}</Value>`),
  ],
  [
    "a value that is more than text",
    urlAttribute(`<Value>${A}<!-- --></Value><Value><![CDATA[${A}]]></Value>`),
  ],
  [
    "empty values",
    urlAttribute(`<Value/><Value></Value><Value>${A}</Value>`),
    urlAttribute(`<Value/><Value></Value><Value>${B}</Value>`),
  ],
  [
    "a tag in lower case",
    `<DicomAttribute tag='0040e010'><Value>${A}</Value>`,
    `<DicomAttribute tag='0040e010'><Value>${B}</Value>`,
  ],
  [
    "a comment that is a URL",
    `<DicomAttribute tag="00104000" vr="LT"><Value number="1">${A}</Value></DicomAttribute>`,
  ],
  [
    "other attributes behind a retrieve URL",
    `${urlAttribute("")}<Value>${A}</Value><DicomAttribute tag="00081190"/><Value>${A}</Value>`,
  ],
  [
    "an attribute in an attribute",
    `<DicomAttribute tag="00081190"><DicomAttribute tag="1"><Value>${A}</Value>`,
  ],
  ["a tag in another attribute", `<DicomAttribute x='tag="00081190"' tag="1"><Value>${A}</Value>`],
  [
    "comments, sections, instructions",
    `<!-- <BulkData uri="${A}"/> --><![CDATA[<BulkData uri="${A}"/>]]><?x <BulkData uri="${A}"/>?>`,
  ],
  [
    "what only looks like the end of one",
    `<!-- -- > ->--><BulkData uri="${A}"/>`,
    `<!-- -- > ->--><BulkData uri="${B}"/>`,
  ],
  [
    "an empty comment",
    `<!----><BulkData uri="${A}"/><![CDATA[]]>`,
    `<!----><BulkData uri="${B}"/><![CDATA[]]>`,
  ],
  [
    "declarations",
    `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b ">">]><BulkData uri="${A}"/>`,
    `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b ">">]><BulkData uri="${B}"/>`,
  ],
  [
    "elements of other names",
    `<BulkDatas uri="${A}"/><Bulk uri="${A}"/><uri>${A}</uri><bulkdata uri="${A}"/>`,
  ],
  [
    "WADL (PS3.18, 8.9)",
    `<resources base="${STORE}/"><resource path="${A}"/></resources>`,
    `<resources base="${GATEWAY}/"><resource path="${A}"/></resources>`,
  ],
  [
    "a relative reference above the base",
    `<BulkData uri="../../../v2/a"/>`,
    `<BulkData uri="${B}"/>`,
  ],
  ["a relative reference", `<BulkData uri="../a"/>`],
  ["cut off in a tag", `<BulkData uri="${A}"`],
  ["cut off in a value", `<DicomAttribute tag="00081190"><Value>${A}`],
  ["cut off in a name", `<Bulk`],
  ["cut off in a comment", `<!-- <BulkData uri="${A}"/>-`],
  ["nothing", ""],
  [
    "a name without end",
    `<${"x".repeat(200)} <BulkData uri="${A}"/>`,
    `<${"x".repeat(200)} <BulkData uri="${B}"/>`,
  ],
];

for (const [why, xml, expected = xml] of rows) {
  Deno.test(`XmlUrlRewriter: ${why}`, () => {
    assert.equal(rewrite(xml, "/studies/1/metadata"), expected);
  });
}

Deno.test("XmlUrlRewriter does not change URLs longer than its bound, however they are cut", () => {
  const long = `${STORE}/${"x".repeat(20_000)}`;
  const xml = `<BulkData uri="${long}"/>${
    urlAttribute(`<Value>${long}</Value><Value>${A}</Value>`)
  }`;
  for (const positions of [[], [0.1], [0.4, 0.41, 0.42], [0.5, 0.9, 0.999]]) {
    const output = rewriteCut(new XmlUrlRewriter(toGateway), encode(xml), positions);
    assert.equal(new TextDecoder().decode(output), xml.replace(`<Value>${A}`, `<Value>${B}`));
  }
});

Deno.test("XmlUrlRewriter escapes XML's special characters in a base URL", () => {
  const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: "https://g.example/a&b'c" });
  const xml = (base: string) => `<BulkData uri='${base}/1'/><BulkData uri='${base}/2'/>`;
  const output = rewriteCut(new XmlUrlRewriter(toGateway), encode(xml(STORE)));
  assert.equal(new TextDecoder().decode(output), xml("https://g.example/a&amp;b&apos;c"));
});

Deno.test("XmlUrlRewriter does not change a document in UTF-16", () => {
  const xml = `<BulkData uri="${A}"/>`;
  const utf16 = new Uint8Array(new Uint16Array(Array.from(xml, (c) => c.charCodeAt(0))).buffer);
  assert.deepEqual(rewriteCut(new XmlUrlRewriter(toGateway), utf16), utf16);
});

Deno.test("XmlUrlRewriter keeps the bytes of a document that is not UTF-8", () => {
  const latin1 = Uint8Array.from(
    `<x>\xfc</x><BulkData uri="${A}"/><BulkData uri="${A}?\xfc"/>`,
    (char) => char.charCodeAt(0),
  );
  const expected = Uint8Array.from(
    `<x>\xfc</x><BulkData uri="${B}"/><BulkData uri="${A}?\xfc"/>`,
    (char) => char.charCodeAt(0),
  );
  assert.deepEqual(rewriteCut(new XmlUrlRewriter(toGateway), latin1), expected);
});

Deno.test("XmlUrlRewriter holds back no more than a tag", () => {
  const rewriter = new XmlUrlRewriter(toGateway);
  let passed = 0;
  const output = { write: (bytes: Uint8Array) => void (passed += bytes.length) };
  const text = "x".repeat(100_000);
  rewriter.push(encode(`${text}<BulkData uri="`), output as never);
  assert.equal(passed, text.length);
});

/** A piece of a document, and what it must become. */
type Piece = readonly [input: string, expected: string];

const same = (text: string): Piece => [text, text];
const join = (pieces: readonly Piece[]): Piece => [
  pieces.map(([input]) => input).join(""),
  pieces.map(([, expected]) => expected).join(""),
];

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&apos;");
}

const url: fc.Arbitrary<Piece> = fc.tuple(
  fc.constantFrom(
    `${STORE}/`,
    STORE,
    "/v2/",
    "http://store.example/v2/",
    "../",
    "https://else.test/",
  ),
  fc.constantFrom("", "studies/1.2", "a?b&c=d", "a/../b", "ü?漢", "'"),
  fc.boolean(),
).map(([base, path, isNumeric]) => {
  const text = base + path;
  const input = isNumeric
    ? text.replace(/[&'/]/g, (char) => `&#x${char.charCodeAt(0).toString(16)};`)
    : escapeXml(text);
  const translated = toGateway.translate(text);
  return [input, translated === text ? input : escapeXml(translated)];
});
const noise: fc.Arbitrary<Piece> = fc.constantFrom(
  "\n  ",
  "text ü 漢字 ]]&gt;",
  A,
  `<!-- <BulkData uri="${A}"/> <DicomAttribute tag="00081190"><Value>${A}</Value> -->`,
  `<![CDATA[<BulkData uri="${A}"/>]]>`,
  `<?pi <BulkData uri="${A}"?>`,
  `<Value number="1">${A}</Value>`,
  `<PersonName number="1"><Alphabetic><FamilyName>M</FamilyName></Alphabetic></PersonName>`,
  "<InlineBinary>aHR0cHM6Ly9zdG9yZS5leGFtcGxlL3Yy</InlineBinary>",
).map(same);

const { dataset } = fc.letrec<{ dataset: Piece; element: Piece }>((tie) => ({
  dataset: fc.array(tie("element"), { maxLength: 5 }).map(join),
  element: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    noise,
    url.map((
      [input, expected],
    ): Piece => [`<BulkData uri="${input}"/>`, `<BulkData uri="${expected}"/>`]),
    url.map((
      [input, expected],
    ): Piece => [
      urlAttribute(`<Value>${input}</Value>`),
      urlAttribute(`<Value>${expected}</Value>`),
    ]),
    fc.tuple(fc.constantFrom("00081199", "00104000"), tie("dataset")).map(
      ([tag, [input, expected]]): Piece => {
        const wrap = (content: string) =>
          `<DicomAttribute tag="${tag}" vr="SQ"><Item number="1">${content}</Item></DicomAttribute>`;
        return [wrap(input), wrap(expected)];
      },
    ),
  ),
}));

Deno.test("XmlUrlRewriter translates each URL and nothing else, however the document is cut", () => {
  fc.assert(
    fc.property(dataset, cuts, ([input, expected], positions) => {
      const output = rewriteCut(new XmlUrlRewriter(toGateway), encode(input), positions);
      assert.equal(new TextDecoder().decode(output), expected);
    }),
    { numRuns: 1000 },
  );
});
