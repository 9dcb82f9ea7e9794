import assert from "node:assert/strict";
import { boundaryOf, readMultipart } from "../../src/dicomweb/multipart/multipart_reader.ts";
import { needsWrapping, wrapSinglePart } from "../../src/upstream/wrap_single_part.ts";

function answer(type: string, status = 200): Response {
  return new Response("bytes", {
    status,
    headers: { "content-type": type, "content-length": "5" },
  });
}

const MULTIPART = 'multipart/related; type="application/dicom"; transfer-syntax=*';

/** The client's `Accept`, the answer's type and status, and whether it must be wrapped. */
const CASES: [accept: string | null, type: string, status: number, wraps: boolean][] = [
  [MULTIPART, "application/dicom", 200, true],
  [MULTIPART, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", 200, true],
  ['multipart/related; type="application/octet-stream"', "application/octet-stream", 200, true],
  ['multipart/related; type="image/jpeg"', "image/jpeg", 200, true],
  [MULTIPART, 'multipart/related; type="application/dicom"; boundary=x', 200, false],
  [MULTIPART, "application/dicom+json", 200, false],
  [MULTIPART, "application/dicom+xml", 200, false],
  [MULTIPART, "text/html", 200, false],
  [MULTIPART, "application/dicom", 404, false],
  [MULTIPART, "application/dicom", 206, false],
  [`${MULTIPART}, application/dicom`, "application/dicom", 200, false],
  [`${MULTIPART}, application/*;q=0.1`, "application/dicom", 200, false],
  [`application/octet-stream;q=0.5, ${MULTIPART}`, "Application/DICOM", 200, true],
  ["application/octet-stream", "application/dicom", 200, false],
  ["*/*", "application/dicom", 200, false],
  ["application/dicom", "application/dicom", 200, false],
  [null, "application/dicom", 200, false],
];

for (const [accept, type, status, wraps] of CASES) {
  Deno.test(`needsWrapping: ${accept} answered with ${status} ${type}`, () => {
    assert.equal(needsWrapping(accept, answer(type, status)), wraps);
  });
}

Deno.test("wrapSinglePart: the part has the answer's type and bytes, the whole a type of its own", async () => {
  const wrapped = wrapSinglePart(answer("application/dicom; transfer-syntax=1.2.840.10008.1.2.1"));
  const type = wrapped.headers.get("content-type")!;
  assert.match(type, /^multipart\/related; type="application\/dicom"; boundary=/);
  assert.equal(wrapped.headers.get("content-length"), null);
  for await (const part of readMultipart(wrapped.body!, boundaryOf(type)!)) {
    assert.equal(
      part.headers.get("content-type"),
      "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
    );
    assert.equal(await new Response(part.body).text(), "bytes");
  }
});

Deno.test("wrapSinglePart: headers that describe the store's bytes are removed from the whole", async () => {
  const given = answer("application/dicom");
  given.headers.set("etag", '"1"');
  given.headers.set("accept-ranges", "bytes");
  const wrapped = wrapSinglePart(given);
  assert.equal(wrapped.headers.get("etag"), 'W/"1"');
  assert.equal(wrapped.headers.get("accept-ranges"), null);
  await wrapped.body?.cancel();
});
