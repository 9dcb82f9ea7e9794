/**
 * Measures URL rewriting in a stream against the same transfer through a stream that changes
 * nothing, its end recognized as the gateway does. The goal is 150 MB/s: 50 MB of metadata in 333 ms;
 * and for documents that no honest store sends, 50 MB/s.
 *
 * `deno task bench`
 */
import { joinBytes } from "../../src/dicomweb/bytes.ts";
import { type ByteRewriter, rewriteBody } from "../../src/dicomweb/urls/byte_rewriter.ts";
import { JsonUrlRewriter } from "../../src/dicomweb/urls/json_url_rewriter.ts";
import { MultipartUrlRewriter } from "../../src/dicomweb/urls/multipart_url_rewriter.ts";
import { createUrlMap } from "../../src/dicomweb/urls/url_map.ts";
import { XmlUrlRewriter } from "../../src/dicomweb/urls/xml_url_rewriter.ts";
import { dicomMetadata, inPieces } from "../fixtures/dicom_metadata.ts";

const STORE = "https://w-d.dicom.azurehealthcareapis.com/v2";
const { toGateway } = createUrlMap({
  storeBase: STORE,
  gatewayBase: "https://gateway.hospital.example:8043/dicom-web/main",
});

const json = dicomMetadata(100_000, STORE);
const rooted = dicomMetadata(100_000, "/v2");
const unknown = dicomMetadata(100_000, "https://elsewhere.example/v2");
const xml = enclosed(
  "<NativeDicomModel>",
  repeat(nativeModel(), 50_000_000),
  "</NativeDicomModel>",
);
const inline = enclosed(
  "[",
  repeat(
    `{"7FE00010":{"vr":"OW","InlineBinary":"${"QUJD".repeat(2_500_000)}"}},`,
    50_000_000,
  ),
  "null]",
);
const instances = enclosed(
  "",
  repeat(
    "\r\n--boundary\r\nContent-Type: application/dicom\r\n" +
      `Content-Location: ${STORE}/studies/1/series/2/instances/3\r\n\r\n${
        "\0\x01DICM".repeat(87_000)
      }`,
    50_000_000,
  ),
  "\r\n--boundary--\r\n",
);

const JSON_TYPE = "application/dicom+json";
const XML_TYPE = "application/dicom+xml";
const jsonRewriter = () => new JsonUrlRewriter(toGateway);
const xmlRewriter = () => new XmlUrlRewriter(toGateway);

interface Case {
  readonly group: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly rewriter: () => ByteRewriter;
}

const cases: readonly Case[] = [
  ...([
    ["50 MB of DICOM JSON, 100,000 BulkDataURIs", json],
    ["the same, rooted", rooted],
    ["the same, elsewhere", unknown],
    ["50 MB of DICOM JSON, 10 MB each of InlineBinary", inline],
    ["20 MB of nested lists", bytesOf("[".repeat(10_000_000) + "]".repeat(10_000_000))],
    ["20 MB of escapes", bytesOf(`["${String.raw`\"`.repeat(10_000_000)}"]`)],
  ] as const).map(([group, body]) => ({ group, body, type: JSON_TYPE, rewriter: jsonRewriter })),
  ...([
    ["50 MB of DICOM XML, 80,000 BulkData", xml],
    ["20 MB of nested tags", bytesOf("<a>".repeat(3_000_000) + "</a>".repeat(3_000_000))],
    ["20 MB of less-than signs", bytesOf(`${"<".repeat(20_000_000)}/>`)],
  ] as const).map(([group, body]) => ({ group, body, type: XML_TYPE, rewriter: xmlRewriter })),
  {
    group: "50 MB of instances, 0.5 MB each",
    body: instances,
    type: 'multipart/related; type="application/dicom"; boundary=boundary',
    rewriter: () => new MultipartUrlRewriter(toGateway, { boundary: "boundary" }),
  },
];

for (const { group, body, type, rewriter } of cases) {
  for (const pieceBytes of [65_536, 16_384]) {
    const title = `${group}, pieces of ${pieceBytes / 1024} KiB`;
    Deno.bench({ name: "as it is", group: title, baseline: true, n: 10, warmup: 2 }, async () => {
      await drain(inPieces(body, pieceBytes).pipeThrough(new TransformStream()));
    });
    Deno.bench({ name: "URLs translated", group: title, n: 10, warmup: 2 }, async () => {
      const headers = { "content-type": type };
      const answer = new Response(inPieces(body, pieceBytes), { headers });
      await drain(new Response(await rewriteBody(answer, rewriter())).body!);
    });
  }
}

async function drain(body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  while (!(await reader.read()).done);
}

function nativeModel(): string {
  return `<DicomAttribute tag="00080018" vr="UI" keyword="SOPInstanceUID"><Value number="1">1.2.826.0.1.3680043</Value></DicomAttribute>` +
    `<DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1"><Alphabetic><FamilyName>Müller</FamilyName></Alphabetic></PersonName></DicomAttribute>` +
    `<DicomAttribute tag="00081190" vr="UR" keyword="RetrieveURL"><Value number="1">${STORE}/studies/1.2.3</Value></DicomAttribute>` +
    `<DicomAttribute tag="7FE00010" vr="OW" keyword="PixelData"><BulkData uri="${STORE}/studies/1.2.3/bulk/1"/></DicomAttribute>\n`;
}

function repeat(text: string, size: number): Uint8Array<ArrayBuffer> {
  const one = new TextEncoder().encode(text);
  const all = new Uint8Array(Math.ceil(size / one.length) * one.length);
  for (let at = 0; at < all.length; at += one.length) all.set(one, at);
  return all;
}

function enclosed(start: string, body: Uint8Array, end: string): Uint8Array<ArrayBuffer> {
  return joinBytes([bytesOf(start), body, bytesOf(end)]);
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
