import assert from "node:assert/strict";
import {
  type BodyToRewrite,
  bodyUrlRewrite,
} from "../../../src/dicomweb/urls/body_url_rewriter.ts";
import { createUrlMap } from "../../../src/dicomweb/urls/url_map.ts";

const STORE = "https://store.example/v2";
const GATEWAY = "https://gateway.example/dicom-web/main";
const map = createUrlMap({ storeBase: STORE, gatewayBase: GATEWAY });

function rewriteOf(contentType: string | undefined, body: Partial<BodyToRewrite> = {}) {
  const headers = new Headers(contentType === undefined ? {} : { "Content-Type": contentType });
  return bodyUrlRewrite(map.toGateway, { headers, ...body });
}

const instances = 'multipart/related; type="application/dicom"; boundary=b';

const rows: [
  why: string,
  isRewritten: boolean,
  contentType?: string | undefined,
  body?: Partial<BodyToRewrite>,
][] = [
  ["DICOM JSON", true, "application/dicom+json; charset=utf-8"],
  ["JSON", true, "Application/JSON"],
  ["DICOM XML", true, "application/dicom+xml"],
  ["XML", true, "text/xml"],
  ["WADL", true, "application/vnd.sun.wadl+xml"],
  ["metadata in parts", true, 'multipart/related; type="application/dicom+xml"; boundary=b'],
  ["instances", true, instances],
  ["one instance", false, "application/dicom"],
  ["bulk data", false, "application/octet-stream"],
  ["a picture", false, "image/jpeg"],
  ["a problem", false, "application/problem+json"],
  ["text", false, "text/plain"],
  ["no type", false],
  ["a type that is none", false, "json"],
  ["no content", false, "application/dicom+json", { status: 204 }],
  ["not modified", false, "application/dicom+json", { status: 304 }],
  ["a part, whose bytes were counted by the store", false, "application/dicom+json", {
    status: 206,
  }],
  ["stored, some failed", true, "application/dicom+json", { status: 202 }],
  ["none stored", true, "application/dicom+json", { status: 409 }],
  ["a type without boundary", false, 'multipart/related; type="application/dicom"'],
  ["a boundary that cannot be", false, `multipart/related; boundary=${"b".repeat(300)}`],
  ["instances of a store without URLs in part headers", false, instances, { partHeaders: false }],
  [
    "frames of a store without URLs in part headers",
    false,
    "multipart/related; type=image/jls; boundary=b",
    { partHeaders: false },
  ],
  [
    "metadata of a store without URLs in part headers",
    true,
    "multipart/related; type=application/dicom+xml; boundary=b",
    { partHeaders: false },
  ],
  ["parts of no type, where headers have no URLs", true, "multipart/related; boundary=b", {
    partHeaders: false,
  }],
  ["compressed", false, undefined, {
    headers: new Headers({ "Content-Type": "application/json", "Content-Encoding": "zstd" }),
  }],
  ["compressed parts", false, undefined, {
    headers: new Headers({ "Content-Type": instances, "Content-Encoding": "zstd" }),
  }],
];

for (const [why, isRewritten, contentType, body] of rows) {
  Deno.test(`bodyUrlRewrite ${isRewritten ? "takes" : "leaves alone"}: ${why}`, () => {
    assert.equal(rewriteOf(contentType, body) !== undefined, isRewritten);
  });
}

async function pass(text: string, contentType: string, body: Partial<BodyToRewrite> = {}) {
  const { stream } = rewriteOf(contentType, body)!;
  return await new Response(new Response(text).body!.pipeThrough(stream)).text();
}

Deno.test("bodyUrlRewrite translates members of vendors' responses only in vendors' transactions", async () => {
  const json = (base: string) => `{"href":"${base}/operations/5"}`;
  const type = "application/json";
  assert.equal(await pass(json(STORE), type, { transactionClass: "query" }), json(STORE));
  assert.equal(await pass(json(STORE), type, { transactionClass: "vendor" }), json(GATEWAY));
});

Deno.test("bodyUrlRewrite resolves relative references against the resource, in parts too", async () => {
  const json = (url: string) => `{"BulkDataURI":"${url}"}`;
  const part = (json: string) =>
    `--b\r\nContent-Type: application/dicom+json\r\n\r\n${json}\r\n--b--`;
  const [above, expected] = [json("../../../v2/a"), json(`${GATEWAY}/a`)];
  const body = { resource: "/studies/1/metadata" };
  assert.equal(await pass(above, "application/dicom+json", body), expected);
  assert.equal(await pass(part(above), "multipart/related; boundary=b", body), part(expected));
});

Deno.test("bodyUrlRewrite translates requests in the other direction", async () => {
  const headers = new Headers({ "Content-Type": "application/dicom+json" });
  const { stream } = bodyUrlRewrite(map.toStore, { headers, transactionClass: "worklist" })!;
  const workitem = (base: string) =>
    JSON.stringify([{
      "00404021": {
        vr: "SQ",
        Value: [{
          "0040E025": {
            vr: "SQ",
            Value: [{ "00081190": { vr: "UR", Value: [`${base}/studies/1`] } }],
          },
        }],
      },
    }]);
  const output = new Response(workitem(GATEWAY)).body!.pipeThrough(stream);
  assert.equal(await new Response(output).text(), workitem(STORE));
});
