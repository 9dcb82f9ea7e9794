/**
 * The end of a body by its content: every shorter beginning is incomplete, however it is cut into
 * pieces.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { contentEnd } from "../../../src/dicomweb/completeness/content_end.ts";
import { bytes } from "../bytes.ts";

const MULTIPART = 'multipart/related; type="application/dicom"; boundary=b';
const JSON_TYPE = "application/dicom+json";
const XML_TYPE = "application/dicom+xml";

/** Complete bodies: `‸` is after the last byte that is required. */
const WHOLE: [what: string, contentType: string, body: string][] = [
  ["a part", MULTIPART, "--b\r\nContent-Type: a/b\r\n\r\nDICM\r\n--b--‸\r\n"],
  ["nothing behind the closing delimiter", MULTIPART, "--b\r\n\r\nDICM\r\n--b--‸"],
  ["white space behind it", MULTIPART, "--b\r\n\r\nDICM\r\n--b--‸ \t\r\n"],
  ["a preamble and an epilogue", MULTIPART, "before\r\n--b\r\n\r\nDICM\r\n--b--‸\r\nafter\r\n--b"],
  ["lines that end by LF alone", MULTIPART, "--b\n\nDICM\n--b--‸\n"],
  ["no parts", MULTIPART, "--b--‸\r\n"],
  ["an empty part", MULTIPART, "--b\r\n\r\n\r\n--b--‸\r\n"],
  [
    "content like delimiters",
    MULTIPART,
    "--b\r\n\r\nx--b--\r--b--\r\n--b-\r\n-b--\r\n--c--\r\n--bb--\r\n--b\r\n--b--‸",
  ],
  [
    "multipart in a part",
    MULTIPART,
    "--b\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n\r\n\r\n--inner--\r\n--b--‸",
  ],
  [
    "a boundary in quotes with signs",
    'multipart/related; boundary="(a) \'+_,-./:=?"',
    "--(a) '+_,-./:=?\r\n\r\nDICM\r\n--(a) '+_,-./:=?--‸\r\n",
  ],
  ["ranges of bytes", "multipart/byteranges; boundary=b", "--b\r\n\r\nDICM\r\n--b--‸\r\n"],

  ["a list", JSON_TYPE, '[{"00080005":{"vr":"CS","Value":["ISO_IR 100"]}},{}]‸'],
  ["an object", JSON_TYPE, '{"00081199":{"vr":"SQ","Value":[{}]}}‸'],
  ["an empty list", JSON_TYPE, "[]‸"],
  ["white space around it", JSON_TYPE, "\r\n\t [ ]‸ \r\n"],
  ["a byte order mark", JSON_TYPE, "\xef\xbb\xbf[]‸"],
  ["brackets in strings", JSON_TYPE, '["]","}]",{"]}":"\\"]}"},"\\\\"]‸'],
  ["escapes at the end of strings", JSON_TYPE, '[{"a\\\\":"\\\\\\""}]‸'],
  ["letters of two bytes", JSON_TYPE, '[{"00100010":{"Value":["Bu\xc3\xb6\xc3\x9b"]}}]‸'],
  ["a string", "application/json", '"[{"‸'],
  ["a problem", "application/problem+json; charset=utf-8", '{"status":404}‸'],

  ["an element", XML_TYPE, "<a><b>c</b></a>‸"],
  ["an empty element", XML_TYPE, "<a/>‸"],
  ["a declaration and white space", XML_TYPE, '<?xml version="1.0"?>\n<a><b/> </a >‸\r\n'],
  ["a byte order mark", XML_TYPE, "\xef\xbb\xbf<a></a>‸"],
  ["tags in comments", XML_TYPE, "<!-- <a></a> -- > --><a><!-- </a> --></a>‸<!-- <b> -->"],
  ["tags in CDATA", XML_TYPE, "<a><![CDATA[</a>]] >]]></a>‸"],
  ["tags in attributes", XML_TYPE, `<a b="</a>" c='/>"'><d e=">"/></a>‸`],
  ["tags in instructions", XML_TYPE, "<a><?b </a> ? > ?></a>‸"],
  [
    "a document type",
    "application/xml",
    `<!DOCTYPE a [<!ELEMENT a ANY><!ENTITY b "<a></a>">]><a></a>‸`,
  ],
  [
    "what is far apart",
    XML_TYPE,
    `<a b="${"x".repeat(50)}>${"x".repeat(50)}">${"x".repeat(50)}<!--${">".repeat(50)}-->` +
    `<${"b".repeat(50)}/></a${" ".repeat(50)}>‸${" ".repeat(50)}`,
  ],
  ["elements of one name", "text/xml", "<a><a></a><a><a/></a></a>‸"],
];

for (const [what, contentType, marked] of WHOLE) {
  const mark = marked.indexOf("‸");
  const body = bytes(marked.replace("‸", ""));
  const make = () => contentEnd(new Headers({ "content-type": contentType }))!;

  Deno.test(`contentEnd: ${contentType}: ${what}`, () => {
    for (let length = 0; length <= mark; length++) {
      const end = make();
      end.push(body.subarray(0, length));
      assert.equal(end.isReached, length === mark, `${length} of ${mark} bytes`);
    }
    const byByte = make();
    body.forEach((_, at) => byByte.push(body.slice(at, at + 1)));
    assert.equal(byByte.isReached, true);
    fc.assert(fc.property(fc.array(fc.nat(body.length), { maxLength: 6 }), (cuts) => {
      const end = make();
      const places = [...cuts, body.length].sort((one, other) => one - other);
      places.forEach((place, at) => end.push(body.slice(places[at - 1] ?? 0, place)));
      assert.equal(end.isReached, true);
    }));
  });
}

/** What follows the end and is itself cut, so that the body is incomplete again. */
const UNFINISHED: [contentType: string, body: string][] = [
  [JSON_TYPE, "[][{"],
  [JSON_TYPE, '[]"'],
  [JSON_TYPE, "{}]"],
  [XML_TYPE, "<a></a><!-- "],
  [XML_TYPE, "<a></a><b>"],
  [XML_TYPE, "<!-- -->"],
  [XML_TYPE, '<?xml version="1.0"?>'],
  [MULTIPART, "x--b--"],
  [MULTIPART, "--b\r\n\r\n--b-"],
];

Deno.test("contentEnd: what is not at its end", () => {
  for (const [contentType, body] of UNFINISHED) {
    const end = contentEnd(new Headers({ "content-type": contentType }))!;
    end.push(bytes(body));
    assert.equal(end.isReached, false, body);
  }
});

Deno.test("contentEnd: text with a wrong label has no end to wait for", () => {
  for (const text of ["Not found {", "true", "\xff\xfe[\0", "\xfe\xff\0<", "<\0a\0>"]) {
    const type = text.includes("<") ? XML_TYPE : JSON_TYPE;
    const end = contentEnd(new Headers({ "content-type": type }))!;
    end.push(bytes(text));
    assert.equal(end.isReached, true, JSON.stringify(text));
  }
});

Deno.test("contentEnd: bodies that do not show their end", () => {
  const opaque: Record<string, string>[] = [
    {},
    { "content-type": "application/dicom" },
    { "content-type": "image/jpeg" },
    { "content-type": "text/html" },
    { "content-type": "application/x-ndjson" },
    { "content-type": "multipart/related" },
    { "content-type": "multipart/related; boundary=" },
    { "content-type": `multipart/related; boundary=${"b".repeat(201)}` },
    { "content-type": "no media type" },
    { "content-type": JSON_TYPE, "content-encoding": "zstd" },
  ];
  for (const headers of opaque) {
    assert.equal(contentEnd(new Headers(headers)), undefined, JSON.stringify(headers));
  }
});
