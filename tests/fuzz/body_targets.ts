/**
 * Bodies that stream through rewriters: the output does not depend on how the input was cut, and
 * content without a URL of the store does not change.
 */
import assert from "node:assert/strict";
import type { ByteRewriter } from "../../src/dicomweb/urls/byte_rewriter.ts";
import { JsonUrlRewriter } from "../../src/dicomweb/urls/json_url_rewriter.ts";
import {
  MultipartError,
  MultipartScanner,
} from "../../src/dicomweb/multipart/multipart_scanner.ts";
import { MultipartUrlRewriter } from "../../src/dicomweb/urls/multipart_url_rewriter.ts";
import { createUrlMap } from "../../src/dicomweb/urls/url_map.ts";
import { XmlUrlRewriter } from "../../src/dicomweb/urls/xml_url_rewriter.ts";
import { rewriteCut } from "../dicomweb/cut_bytes.ts";
import { cutsOf, firstLine, type FuzzTarget, latin1 } from "./target.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "http://gateway:8043/dicom-web/main";
const { toGateway } = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });

/** Rewrites an input in one piece and in several; both must produce the same. */
function rewritten(
  input: Uint8Array<ArrayBuffer>,
  rewriter: () => ByteRewriter,
): Uint8Array<ArrayBuffer> {
  const whole = rewriteCut(rewriter(), input);
  assert.equal(latin1(rewriteCut(rewriter(), input, cutsOf(input))), latin1(whole));
  return whole;
}

/** DICOM JSON: what parsed before parses after, and differs only where a URL was translated. */
export const dicomJson: FuzzTarget = {
  name: "dicom-json",
  words: ['"BulkDataURI":', '"00081190":', '"vr":"UR"', '"Value":[', `"${STORE}/studies/1"`],
  run(input) {
    const output = rewritten(input, () => new JsonUrlRewriter(toGateway, { resource: "/studies" }));
    const before = parsed(input);
    if (before === undefined) return;
    const after = parsed(output);
    assert(after !== undefined, "what parsed before no longer does");
    expectSameButUrls(before.value, after.value);
  },
};

function parsed(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

function expectSameButUrls(before: unknown, after: unknown): void {
  if (typeof before === "string" && before !== after) {
    assert(String(after).startsWith("http://gateway:8043/"), `${before} became ${after}`);
  } else if (Array.isArray(before) && Array.isArray(after)) {
    assert.equal(after.length, before.length);
    before.forEach((item, index) => expectSameButUrls(item, after[index]));
  } else if (typeof before === "object" && before !== null) {
    const entries = Object.entries(before);
    assert.deepEqual(Object.keys(after as object), Object.keys(before));
    for (const [key, value] of entries) {
      expectSameButUrls(value, (after as Record<string, unknown>)[key]);
    }
  } else assert.equal(after, before);
}

/** The Native DICOM Model, and other XML. */
export const dicomXml: FuzzTarget = {
  name: "dicom-xml",
  words: ["<DicomAttribute", 'tag="00081190"', '<BulkData uri="', "</Value>", "<![CDATA[", "&amp;"],
  run(input) {
    rewritten(input, () => new XmlUrlRewriter(toGateway, { resource: "/studies" }));
  },
};

/** Multipart: events do not depend on the cuts, and content never grows. */
export const multipart: FuzzTarget = {
  name: "multipart",
  words: ["\r\n--part", "\r\n--part--", "\r\n\r\n", "Content-Type: ", "Content-Location: "],
  run(input) {
    const [boundary, body] = firstLine(input);
    const whole = scanned(boundary, body, []);
    assert.deepEqual(scanned(boundary, body, cutsOf(body)), whole);
    const bytes = whole.reduce((total, event) => total + event.content.length, 0);
    assert(bytes <= body.length, "there is more content than there was body");
  },
};

/** A part as it was found; its name is the scanner's complaint, if any. */
interface Scanned {
  readonly headers: readonly [string, string][] | "broken" | "end";
  readonly content: string;
}

function scanned(
  boundary: string,
  body: Uint8Array<ArrayBuffer>,
  cuts: readonly number[],
): Scanned[] {
  const found: { headers: Scanned["headers"]; content: string }[] = [];
  try {
    const scanner = new MultipartScanner(boundary);
    const places = [...cuts.map((cut) => Math.floor(cut * body.length)), body.length]
      .sort((a, b) => a - b);
    let start = 0;
    for (const end of places) {
      scanner.push(body.slice(start, end));
      start = end;
      take(scanner, found);
    }
    scanner.finish();
    take(scanner, found);
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    found.push({ headers: "broken", content: "" });
  }
  return found;
}

function take(
  scanner: MultipartScanner,
  found: { headers: Scanned["headers"]; content: string }[],
): void {
  for (;;) {
    const event = scanner.next();
    if (event.kind === "need") return;
    if (event.kind === "headers") found.push({ headers: [...event.headers], content: "" });
    else if (event.kind === "data") found.at(-1)!.content += latin1(event.bytes);
    else if (event.kind === "end") return void found.push({ headers: "end", content: "" });
  }
}

/** Multipart responses whose parts have URLs; without one of the store's they do not change. */
export const multipartRewriting: FuzzTarget = {
  name: "multipart-rewriting",
  words: [...multipart.words, STORE, "application/dicom+json", "Content-Length: 10"],
  run(input) {
    const [boundary, body] = firstLine(input);
    let rewriter: () => ByteRewriter;
    try {
      rewriter = () => new MultipartUrlRewriter(toGateway, { boundary, resource: "/studies" });
      rewriter();
    } catch (error) {
      if (error instanceof MultipartError) return;
      throw error;
    }
    rewritten(body, rewriter);
  },
};
