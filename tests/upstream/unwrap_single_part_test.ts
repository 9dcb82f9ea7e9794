import assert from "node:assert/strict";
import { classify } from "../../src/dicomweb/transaction/transaction.ts";
import { needsUnwrapping, unwrapSinglePart } from "../../src/upstream/unwrap_single_part.ts";

const INSTANCE = "/studies/1.2/series/3.4/instances/5.6";
const FRAME = `${INSTANCE}/frames/1`;
const BULK = `${INSTANCE}/bulk/7fe00010`;
const DICOM = 'multipart/related; type="application/dicom"';
const OCTETS = 'multipart/related; type="application/octet-stream"';
/** As Orthanc writes it. */
const OF_ORTHANC =
  'multipart/related; type="application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"';

/** The client's `Accept`, its target, the response's type and status, and whether it is unwrapped. */
const CASES: [accept: string | null, target: string, type: string, status: number, is: boolean][] =
  [
    ["application/dicom", INSTANCE, DICOM, 200, true],
    ["application/dicom; transfer-syntax=*", `${INSTANCE}?a=b`, DICOM, 200, true],
    ["text/html, application/*;q=0.1", INSTANCE, DICOM, 200, true],
    ["application/octet-stream", FRAME, OCTETS, 200, true],
    ["application/octet-stream", FRAME, OF_ORTHANC, 200, true],
    ["image/*", FRAME, 'multipart/related; type="image/jpeg"', 200, true],
    ["application/octet-stream", BULK, OCTETS, 200, true],
    ["application/octet-stream", `${INSTANCE}/bulkdata/7FE00010`, OCTETS, 200, true],
    ["application/dicom", INSTANCE, "application/dicom", 200, false],
    ["application/dicom", INSTANCE, 'multipart/mixed; type="application/dicom"', 200, false],
    ["application/dicom", INSTANCE, "multipart/related", 200, false],
    ["application/dicom", INSTANCE, DICOM, 206, false],
    ["application/dicom", INSTANCE, DICOM, 404, false],
    ["application/dicom", "/studies/1.2", DICOM, 200, false],
    ["application/dicom", "/studies/1.2/series/3.4", DICOM, 200, false],
    ["application/octet-stream", `${INSTANCE}/frames/1,2`, OCTETS, 200, false],
    ["application/octet-stream", `${INSTANCE}/bulkdata`, OCTETS, 200, false],
    ["application/octet-stream", `${INSTANCE}/bulk/?a=b`, OCTETS, 200, false],
    ["application/octet-stream", "/studies/1.2/bulkdata/x", OCTETS, 200, false],
    ["application/octet-stream", INSTANCE, DICOM, 200, false],
    [`application/dicom, ${DICOM};q=0.1`, INSTANCE, DICOM, 200, false],
    ["application/dicom, multipart/related", INSTANCE, DICOM, 200, false],
    ["application/dicom, multipart/*", INSTANCE, DICOM, 200, false],
    ["application/dicom, */*;q=0.1", INSTANCE, DICOM, 200, false],
    [DICOM, INSTANCE, DICOM, 200, false],
    ["", INSTANCE, DICOM, 200, false],
    [null, INSTANCE, DICOM, 200, false],
  ];

for (const [accept, target, type, status, is] of CASES) {
  Deno.test(`needsUnwrapping: ${accept} for ${target} answered with ${status} ${type}: ${is}`, async () => {
    const response = new Response("x", { status, headers: { "content-type": type } });
    const request = { transaction: classify("GET", target), target };
    assert.equal(needsUnwrapping(accept, request, response), is);
    await response.body?.cancel();
  });
}

function answer(body: string | ReadableStream, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    headers: { "content-type": `${OCTETS}; boundary=b`, ...headers },
  });
}

function part(headers: string, content = "pixels"): string {
  return `--b\r\n${headers}\r\n${content}\r\n`;
}

const TYPE = "Content-Type: application/octet-stream; transfer-syntax=1.2\r\n";

Deno.test("unwrapSinglePart: the response has the part's bytes, type, length and location", async () => {
  const location = "Content-Location: http://store/frames/1\r\n";
  const response = await unwrapSinglePart(
    answer(`${part(`${TYPE}Content-Length: 6\r\n${location}`)}--b--`, {
      etag: '"1"',
      "content-length": "999",
      "content-md5": "x",
      "x-store": "yes",
    }),
  );
  assert.equal(response.status, 200);
  assert.deepEqual(Object.fromEntries(response.headers), {
    "content-type": "application/octet-stream; transfer-syntax=1.2",
    "content-length": "6",
    "content-location": "http://store/frames/1",
    etag: 'W/"1"',
    "x-store": "yes",
  });
  assert.equal(await response.text(), "pixels");
});

Deno.test("unwrapSinglePart: a part without a length, or without a sensible one, has none", async () => {
  for (const length of ["", "Content-Length: 6, 6\r\n", "Content-Length: -1\r\n"]) {
    const response = await unwrapSinglePart(answer(`${part(TYPE + length)}--b--`));
    assert.equal(response.headers.get("content-length"), null);
    assert.equal(await response.text(), "pixels");
  }
});

Deno.test("unwrapSinglePart: an empty value of bulk data is none that is missing", async () => {
  const response = await unwrapSinglePart(
    answer(`${part(`${TYPE}Content-Length: 0\r\n`, "")}--b--`),
  );
  assert.equal(response.headers.get("content-length"), "0");
  assert.equal(await response.text(), "");
});

/** Responses whose end must not look like the end of the part. */
const BROKEN: [what: string, body: string, code: string][] = [
  ["without a part", "--b--", "NET-009"],
  ["of two parts", `${part(TYPE)}${part(TYPE)}--b--`, "NET-009"],
  ["cut in its part", part(TYPE).slice(0, -4), "NET-002"],
  ["cut behind its part", part(TYPE), "NET-002"],
  ["cut in the part's headers", "--b\r\nContent-", "NET-002"],
  ["shorter than the part says", `${part(`${TYPE}Content-Length: 7\r\n`)}--b--`, "NET-002"],
  ["longer than the part says", `${part(`${TYPE}Content-Length: 5\r\n`)}--b--`, "NET-002"],
  ["without content", `${part(TYPE, "")}--b--`, "NET-009"],
];

for (const [what, body, code] of BROKEN) {
  Deno.test(`unwrapSinglePart: a response ${what} fails`, async () => {
    await assert.rejects(async () => await (await unwrapSinglePart(answer(body))).text(), { code });
  });
}

Deno.test("unwrapSinglePart: no byte passes of a part that is longer than it says", async () => {
  const response = await unwrapSinglePart(
    answer(`${part(`${TYPE}Content-Length: 5\r\n`)}--b--`),
  );
  const reader = response.body!.getReader();
  await assert.rejects(reader.read(), { code: "NET-002" });
});

/** What ends the store's body before its own end. */
const ENDED: [what: string, body: string, use: (response: Response) => Promise<unknown>][] = [
  ["a client that leaves", part(TYPE).slice(0, -4), ({ body }) => body!.cancel()],
  ["a second part", part(TYPE) + part(TYPE), (response) => assert.rejects(response.text())],
  [
    "a part that is too long",
    part(`${TYPE}Content-Length: 5\r\n`),
    (response) => assert.rejects(response.text()),
  ],
];

for (const [what, text, use] of ENDED) {
  Deno.test(`unwrapSinglePart: ${what} ends the store's body`, async () => {
    let isCancelled = false;
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
      cancel: () => void (isCancelled = true),
    });
    await use(await unwrapSinglePart(answer(body)));
    assert.equal(isCancelled, true);
  });
}
