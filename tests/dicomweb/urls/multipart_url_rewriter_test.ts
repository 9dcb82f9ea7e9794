import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonUrlRewriter } from "../../../src/dicomweb/urls/json_url_rewriter.ts";
import { MultipartUrlRewriter } from "../../../src/dicomweb/urls/multipart_url_rewriter.ts";
import { createUrlMap } from "../../../src/dicomweb/urls/url_map.ts";
import { bytes, text } from "../bytes.ts";
import { concat, cuts, rewriteByteByByte, rewriteCut } from "../cut_bytes.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "https://gateway.example/dicom-web/main";
const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });
const OPTIONS = { boundary: "b", resource: "/studies/1/metadata" };
const A = `${STORE}/a`;
const B = `${GATEWAY}/a`;

function rewrite(body: string): string {
  const whole = text(rewriteCut(new MultipartUrlRewriter(toGateway, OPTIONS), bytes(body)));
  const cut = text(rewriteByteByByte(new MultipartUrlRewriter(toGateway, OPTIONS), bytes(body)));
  assert.equal(cut, whole, "cut at every byte");
  return whole;
}

/** Bodies, and what they become; unchanged by default. */
const rows: [why: string, body: string, expected?: string][] = [
  [
    "the location of an instance",
    `--b\r\nContent-Type: application/dicom\r\nContent-Location: ${A}\r\n\r\nDICM${A}\r\n--b--\r\n`,
    `--b\r\nContent-Type: application/dicom\r\nContent-Location: ${B}\r\n\r\nDICM${A}\r\n--b--\r\n`,
  ],
  [
    "spelling and spaces kept",
    `--b\ncontent-LOCATION :\t ${A} \t\nX-y:  z\n\n\r\n--b--`,
    `--b\ncontent-LOCATION :\t ${B} \t\nX-y:  z\n\n\r\n--b--`,
  ],
  [
    "a rooted location",
    `--b\r\nContent-Location: /v2/a\r\n\r\n\r\n--b--`,
    `--b\r\nContent-Location: ${B}\r\n\r\n\r\n--b--`,
  ],
  ["a relative location", `--b\r\nContent-Location: ../a\r\n\r\n\r\n--b--`],
  [
    "a relative location above the base",
    `--b\r\nContent-Location: ../../../v2/a\r\n\r\n\r\n--b--`,
    `--b\r\nContent-Location: ${B}\r\n\r\n\r\n--b--`,
  ],
  ["a location on two lines", `--b\r\nContent-Location: ${A}\r\n /b\r\n\r\n\r\n--b--`],
  [
    "a location in another header",
    `--b\r\nX: a\r\n Content-Location: ${A}\r\nX-Content-Location: ${A}\r\n\r\n\r\n--b--`,
  ],
  [
    "bytes beyond ASCII in headers",
    `--b\r\nX: \xe9\x80\r\nContent-Location: ${A}\r\n\r\n\r\n--b--`,
    `--b\r\nX: \xe9\x80\r\nContent-Location: ${B}\r\n\r\n\r\n--b--`,
  ],
  [
    "DICOM JSON, its length left out",
    `--b\r\nContent-Type: application/dicom+json\r\nContent-Length: 55\r\nX: 1\r\n\r\n{"BulkDataURI":"${A}"}\r\n--b--`,
    `--b\r\nContent-Type: application/dicom+json\r\nX: 1\r\n\r\n{"BulkDataURI":"${B}"}\r\n--b--`,
  ],
  [
    "a length on two lines",
    `--b\r\nContent-Type: application/dicom+json\r\nContent-Length:\r\n 55\r\nX: 1\r\n\r\n{}\r\n--b--`,
    `--b\r\nContent-Type: application/dicom+json\r\nX: 1\r\n\r\n{}\r\n--b--`,
  ],
  [
    "JSON that ends too early",
    `--b\r\nContent-Type: application/dicom+json\r\n\r\n{"BulkDataURI":"${A}\r\n--b\r\n\r\n${A}\r\n--b--`,
  ],
  [
    "DICOM XML, several parts",
    `--b\r\nContent-Type: application/dicom+xml; charset=utf-8\r\n\r\n<BulkData uri="${A}"/>\r\n--b\r\nContent-Type: application/dicom+xml\r\n\r\n<BulkData uri="${A}"/>\r\n--b--`,
    `--b\r\nContent-Type: application/dicom+xml; charset=utf-8\r\n\r\n<BulkData uri="${B}"/>\r\n--b\r\nContent-Type: application/dicom+xml\r\n\r\n<BulkData uri="${B}"/>\r\n--b--`,
  ],
  [
    "the length of a binary part",
    `--b\r\nContent-Type: application/dicom\r\nContent-Length: 3\r\n\r\nabc\r\n--b--`,
  ],
  [
    "JSON that is encoded",
    `--b\r\nContent-Type: application/dicom+json\r\nContent-Encoding: gzip\r\n\r\n{"BulkDataURI":"${A}"}\r\n--b--`,
  ],
  [
    "JSON that MIME encodes",
    `--b\r\nContent-Type: application/dicom+json\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{"BulkDataURI":"${A}"}\r\n--b--`,
  ],
  [
    "JSON that MIME does not encode",
    `--b\r\nContent-Type: application/dicom+json\r\nContent-Transfer-Encoding: Binary\r\n\r\n{"BulkDataURI":"${A}"}\r\n--b--`,
    `--b\r\nContent-Type: application/dicom+json\r\nContent-Transfer-Encoding: Binary\r\n\r\n{"BulkDataURI":"${B}"}\r\n--b--`,
  ],
  ["a part without a type", `--b\r\n\r\n{"BulkDataURI":"${A}"}\r\n--b--`],
  [
    "preamble, padding and epilogue",
    `Content-Location: ${A}\r\n\r\n--b \t\r\n\r\n\r\n--b--\r\nContent-Location: ${A}\r\n--b\r\nContent-Location: ${A}\r\n\r\n`,
  ],
  [
    "what looks like a delimiter",
    `--b\r\nContent-Type: application/dicom\r\n\r\n\r\n--bb\r\nContent-Location: ${A}\r\n\r\n--b-\r\n\r\n--\r\n--b--`,
  ],
  ["no part", "--b--"],
  ["another boundary", `--c\r\nContent-Location: ${A}\r\n\r\n\r\n--c--`],
  ["nothing", ""],
  // A malformed body is unchanged; the client sees what is wrong with it.
  [
    "cut off in a binary part",
    `--b\r\nContent-Location: ${A}\r\n\r\nDICM\r\n--`,
    `--b\r\nContent-Location: ${B}\r\n\r\nDICM\r\n--`,
  ],
  [
    "cut off in JSON",
    `--b\r\nContent-Type: application/dicom+json\r\n\r\n[{"BulkDataURI":"${A}"},{"BulkDataURI":"${STORE}/b\r\n--`,
    `--b\r\nContent-Type: application/dicom+json\r\n\r\n[{"BulkDataURI":"${B}"},{"BulkDataURI":"${STORE}/b\r\n--`,
  ],
  ["cut off in headers", `--b\r\nContent-Location: ${A}\r\n`],
  [
    "a broken header",
    `--b\r\nno header\r\nContent-Location: ${A}\r\n\r\n\r\n--b\r\nContent-Location: ${A}\r\n\r\n\r\n--b--`,
  ],
  [
    "headers without end",
    `--b\r\nX: ${"x".repeat(20_000)}\r\nContent-Location: ${A}\r\n\r\n\r\n--b--`,
  ],
];

for (const [why, body, expected = body] of rows) {
  Deno.test(`MultipartUrlRewriter: ${why}`, () => assert.equal(rewrite(body), expected));
}

Deno.test("MultipartUrlRewriter passes large parts without copying them", () => {
  const rewriter = new MultipartUrlRewriter(toGateway, OPTIONS);
  const buffers = new Set<ArrayBuffer>();
  const output = { write: (piece: Uint8Array<ArrayBuffer>) => void buffers.add(piece.buffer) };
  rewriter.push(bytes("--b\r\nContent-Type: application/dicom\r\n\r\n"), output as never);
  buffers.clear();
  const chunk = new Uint8Array(65_536);
  rewriter.push(chunk, output as never);
  assert.deepEqual([...buffers], [chunk.buffer]);
});

const word = fc.constantFrom(
  "\r\n",
  "--b",
  "\r\n--",
  "--",
  "\r",
  "\n",
  "\0",
  "\xff",
  "Content-Location: ",
  A,
  `{"BulkDataURI":"${A}"}`,
  `"BulkDataURI":"`,
  `"BulkData`,
  `<BulkData uri="${A}"/>`,
);
const content = fc.array(word, { maxLength: 12 }).map((words) => words.join(""))
  .filter((content) =>
    !/(?:^|\r\n)--b(?:--|[ \t]*\r?\n|$)/.test(content) && !/\r\n--b-?$/.test(content)
  );
const extraHeaders = fc.array(fc.constantFrom("X: y", "Content-Length: 7", "X: a\r\n b"), {
  maxLength: 2,
});
const part = fc.record({
  type: fc.constantFrom(
    undefined,
    "application/dicom",
    "application/octet-stream",
    "application/dicom+json",
  ),
  location: fc.option(fc.constantFrom(A, "/v2/a", "../a", "https://else.test/"), {
    nil: undefined,
  }),
  extraHeaders,
  content,
});

function multipart(
  parts: readonly { readonly headers: readonly string[]; readonly content: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  return concat([
    bytes("preamble"),
    ...parts.flatMap(({ headers, content }) => [
      bytes(`\r\n--b\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`),
      content,
    ]),
    bytes("\r\n--b--\r\nepilogue"),
  ]);
}

Deno.test("MultipartUrlRewriter changes headers and JSON and no byte of binary parts, however the body is cut", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 4 }), cuts, (parts, positions) => {
      const described = parts.map(({ type, location, extraHeaders, content }) => {
        const isJson = type === "application/dicom+json";
        const withLocation = (url: string | undefined) => [
          ...(type === undefined ? [] : [`Content-Type: ${type}`]),
          ...(url === undefined ? [] : [`Content-Location: ${url}`]),
        ];
        return {
          input: { headers: [...withLocation(location), ...extraHeaders], content: bytes(content) },
          expected: {
            headers: [
              ...withLocation(location && toGateway.translate(location)),
              ...extraHeaders.filter((header) => !isJson || !header.startsWith("Content-Length")),
            ],
            content: isJson
              ? rewriteCut(new JsonUrlRewriter(toGateway), bytes(content))
              : bytes(content),
          },
        };
      });
      const output = rewriteCut(
        new MultipartUrlRewriter(toGateway, OPTIONS),
        multipart(described.map(({ input }) => input)),
        positions,
      );
      assert.equal(text(output), text(multipart(described.map(({ expected }) => expected))));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("MultipartUrlRewriter returns the same for any bytes, however they are cut", () => {
  const anything = fc.array(fc.oneof(word, fc.constantFrom("\r\n--b\r\n", "\r\n\r\n", "--b\r\n")), {
    maxLength: 30,
  }).map((words) => bytes(words.join("")));
  fc.assert(
    fc.property(anything, cuts, (input, positions) => {
      const whole = rewriteCut(new MultipartUrlRewriter(toGateway, OPTIONS), input);
      const cut = rewriteCut(new MultipartUrlRewriter(toGateway, OPTIONS), input, positions);
      assert.equal(text(cut), text(whole));
    }),
    { numRuns: 1000 },
  );
});
