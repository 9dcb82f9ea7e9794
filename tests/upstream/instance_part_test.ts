import assert from "node:assert/strict";
import {
  type MultipartPartInit,
  writeMultipart,
} from "../../src/dicomweb/multipart/multipart_writer.ts";
import { openInstance } from "../../src/upstream/instance_part.ts";
import { dicomFile } from "../fixtures/dicom_file.ts";

const UID = "1.2.3";
const RELATED = 'multipart/related; type="application/dicom"; boundary=b';
const PART = "--b\r\nContent-Type: application/dicom\r\n\r\nDICM\r\n";
const DICOM = { "content-type": "application/dicom" };

async function read({ body }: MultipartPartInit): Promise<string> {
  return await new Response(body).text();
}

/** Responses for an instance with the content `DICM`, and the part's `Content-Type`. */
const INSTANCES: readonly [what: string, body: string, headers: HeadersInit, type: string][] = [
  ["the instance itself", "DICM", DICOM, "application/dicom"],
  [
    "the instance itself with its transfer syntax",
    "DICM",
    { "content-type": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1" },
    "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
  ],
  [
    "no particular type",
    "DICM",
    { "content-type": "application/octet-stream" },
    "application/octet-stream",
  ],
  ["multipart of one part", `${PART}--b--`, { "content-type": RELATED }, "application/dicom"],
  [
    "multipart with preamble and epilogue",
    `preamble\r\n${PART}--b--\r\nepilogue`,
    { "content-type": RELATED.replace("=b", '="b"') },
    "application/dicom",
  ],
  [
    "multipart whose part says its length and transfer syntax",
    "--b\r\nContent-Type: application/dicom; transfer-syntax=1.2\r\nContent-Length: 4\r\n\r\nDICM\r\n--b--",
    { "content-type": RELATED },
    "application/dicom; transfer-syntax=1.2",
  ],
  ["multipart whose part names no type", "--b\r\n\r\nDICM\r\n--b--", {
    "content-type": RELATED,
  }, "application/dicom"],
];

for (const [what, body, headers, type] of INSTANCES) {
  Deno.test(`openInstance: ${what}`, async () => {
    const part = await openInstance(new Response(body, { headers }), UID);
    assert.equal(new Headers(part.headers).get("content-type"), type);
    assert.equal(await read(part), "DICM");
  });
}

const FAULTS: readonly [what: string, body: string | null, headers: HeadersInit, code: string][] = [
  ["nothing", null, DICOM, "NET-009"],
  ["an empty body", "", DICOM, "NET-009"],
  ["a login page", "<html>", { "content-type": "text/html" }, "NET-009"],
  ["JSON", "[]", { "content-type": "application/dicom+json" }, "NET-009"],
  ["less than its Content-Length", "DIC", { ...DICOM, "content-length": "4" }, "NET-002"],
  ["more than its Content-Length", "DICMX", { ...DICOM, "content-length": "4" }, "NET-002"],
  ["multipart without a boundary", PART, { "content-type": "multipart/related" }, "NET-002"],
  ["multipart without a part", "--b--", { "content-type": RELATED }, "NET-009"],
  ["multipart of two parts", `${PART}${PART}--b--`, { "content-type": RELATED }, "NET-009"],
  ["multipart cut behind its part", PART, { "content-type": RELATED }, "NET-002"],
  ["multipart cut in its closing delimiter", `${PART}--b-`, { "content-type": RELATED }, "NET-002"],
  ["multipart cut in its part", PART.slice(0, -4), { "content-type": RELATED }, "NET-002"],
  [
    "multipart cut in the part's headers",
    "--b\r\nContent-",
    { "content-type": RELATED },
    "NET-002",
  ],
  [
    "multipart with an empty part",
    "--b\r\nContent-Type: application/dicom\r\n\r\n\r\n--b--",
    { "content-type": RELATED },
    "NET-009",
  ],
  [
    "multipart with a part that is no DICOM",
    PART.replace("dicom", "json") + "--b--",
    { "content-type": RELATED },
    "NET-009",
  ],
  [
    "multipart with a part shorter than it says",
    PART.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n") + "--b--",
    { "content-type": RELATED },
    "NET-002",
  ],
];

for (const [what, body, headers, code] of FAULTS) {
  Deno.test(`openInstance: ${what} fails`, async () => {
    const response = new Response(body, { headers });
    await assert.rejects(async () => await read(await openInstance(response, UID)), { code });
  });
}

Deno.test("openInstance: any status but 200 fails", async () => {
  for (const status of [201, 204, 206, 404, 410, 500]) {
    const body = status === 204 ? null : "DICM";
    await assert.rejects(openInstance(new Response(body, { status, headers: DICOM }), UID), {
      code: "NET-009",
      message: new RegExp(`${status}`),
    });
  }
});

Deno.test("openInstance: another instance than the requested one fails before any of it passes", async () => {
  for (const [sopInstanceUid, isAsked] of [[UID, true], ["1.2.4", false]] as const) {
    const file = dicomFile({
      sopInstanceUid,
      seriesInstanceUid: "1.2",
      studyInstanceUid: "1",
    });
    const multipart = writeMultipart([{ headers: new Headers(DICOM), body: file }], "b");
    for (const [body, type] of [[file, DICOM["content-type"]], [multipart, RELATED]] as const) {
      const part = await openInstance(
        new Response(body, { headers: { "content-type": type } }),
        UID,
      );
      const reader = (part.body as ReadableStream).getReader();
      if (isAsked) assert.equal((await reader.read()).done, false);
      else await assert.rejects(reader.read(), { code: "NET-009" });
    }
  }
});

Deno.test("openInstance: a reader that leaves ends the store's body", async () => {
  for (const [type, start] of [["application/dicom", "D"], [RELATED, PART.slice(0, -4)]] as const) {
    let isCancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(start)),
      cancel: () => void (isCancelled = true),
    });
    const part = await openInstance(new Response(body, { headers: { "content-type": type } }), UID);
    const reader = (part.body as ReadableStream).getReader();
    await reader.read();
    await reader.cancel();
    assert.ok(isCancelled, type);
  }
});
