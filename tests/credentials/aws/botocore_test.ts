/**
 * Requests sent through the whole store, verified on arrival by AWS's own Python signer.
 */
import assert from "node:assert/strict";
import type { PayloadSigning } from "../../../src/config/schemes/aws/aws.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { authorizationParts, BOTOCORE, computeByBotocore } from "../../fixtures/botocore.ts";
import { needing } from "../../fixtures/installed_tool.ts";
import { ACCESS_KEY_ID, SECRET_ACCESS_KEY, type Sending, withSigning } from "./signing_harness.ts";

const keys = {
  accessKeyId: ACCESS_KEY_ID,
  secretAccessKey: SECRET_ACCESS_KEY,
  region: "eu-west-1",
  service: "medical-imaging",
};

const targets = [
  "/studies",
  "/studies/",
  "/studies/1.2.840.113619.2/series/1.2/instances/1.3?imageSetId=0a1b2c",
  "/studies/1.2/series/3.4/instances/5.6/frames/1,2,3",
  "/studies/1.2/rendered?viewport=512,512&window=40,400,linear",
  "/studies?PatientName=M%C3%BCller*&limit=25&offset=0",
  "/studies?PatientName=DOE%5EJOHN%20A",
  "/studies?PatientName=DOE^JOHN+A",
  "/studies?PatientName=%E5%B1%B1%E7%94%B0%5E%E5%A4%AA%E9%83%8E%3D%E3%82%84%E3%81%BE",
  "/studies?PatientID=A%2FB%26C%3DD%25",
  "/studies?PatientID=A%2BB",
  "/studies?PatientID=&AccessionNumber=",
  "/studies?fuzzymatching&limit",
  "/studies?StudyDate=20200101-20201231&ModalitiesInStudy=CT%5CMR",
  "/studies?includefield=00081030&includefield=all&includefield=00080005,00081030",
  "/studies?b=2&a=1&B=3&A=4&a=0",
  "/studies?a=1&a=&a&a=0",
  "/studies?StudyInstanceUID=1.2,1.3,1.4",
  "/studies?00100010=*&00080060=?T",
  "/studies?a='x'&b=(y)&c=z!&d=~e&f=$g",
  "/studies?a=|{}[]`:@/?\\",
  "/studies?a=%2a%7e%41%c3%a9",
  "/studies?a=100%&b=%zz",
  "/studies?&&a=1&",
  "/studies?",
  "/bulkdata/a%20b/c:d@e;f=g+h!i'j(k)*",
  "/bulkdata/%C3%A9%41%7e",
];

const headers = { accept: "application/dicom+json; charset=utf-8", range: "bytes=0-99" };

Deno.test(needing(BOTOCORE, {
  name: "botocore signs every path and query that DICOMweb can form as the gateway does",
  fn: () =>
    withSigning({}, async ({ arrived, send }) => {
      for (const target of targets) assert.equal((await send(target, { headers })).status, 200);
      const judgements = await computeByBotocore(arrived, keys);
      arrived.forEach(({ url, headers }, index) => {
        const { signature } = judgements[index]!;
        assert.equal(
          authorizationParts(headers).signature,
          signature,
          `${targets[index]} → ${url}`,
        );
      });
      assert.equal(judgements.length, targets.length);
    }),
}));

const MIB = 1024 * 1024;
/** With blanks, some of which signing folds. */
const contentType = 'application/dicom;  transfer-syntax="1.2  3"';

/** A body without a length, as Orthanc sends it. */
function chunked(length: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new Blob([content(length)]).stream();
}

function content(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, index) => index * index % 253);
}

const bodies: readonly (readonly [
  name: string,
  mode: PayloadSigning,
  sending: Sending & { readonly body: BodyInit },
  hash: "of the body" | "UNSIGNED-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
  length: number,
])[] = [
  ["no bytes", "sha256", { body: "" }, "of the body", 0],
  ["10 bytes", "sha256", { body: content(10) }, "of the body", 10],
  ["10 bytes in chunks", "sha256", { body: chunked(10) }, "of the body", 10],
  ["1 MiB in chunks", "sha256", { body: chunked(MIB) }, "of the body", MIB],
  ["1 MiB + 1 through a file", "sha256", { body: chunked(MIB + 1) }, "of the body", MIB + 1],
  ["10 MB through a file", "sha256", { body: chunked(10_000_000) }, "of the body", 10_000_000],
  ["a DELETE", "sha256", { method: "DELETE", body: content(3) }, "of the body", 3],
  ["unsigned", "unsigned", { body: chunked(2 * MIB) }, "UNSIGNED-PAYLOAD", 2 * MIB],
  [
    "signed chunks",
    "streaming",
    { body: chunked(200_000), headers: { "content-length": "200000" } },
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    200_000,
  ],
  [
    "signed chunks that fill the last one",
    "streaming",
    { body: chunked(131_072), headers: { "content-length": "131072", "content-encoding": "x" } },
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    131_072,
  ],
  [
    "signed chunks without a length",
    "streaming",
    { body: chunked(MIB + 5) },
    "of the body",
    MIB + 5,
  ],
];

for (const [name, payloadSigning, sending, hash, length] of bodies) {
  for (const sessionToken of [undefined, new Secret("IQoJb3JpZ2luX2VjE/+x==")]) {
    const temporary = sessionToken === undefined ? "" : ", with a session token";
    if (sessionToken !== undefined && length > MIB) continue;
    Deno.test(needing(BOTOCORE, {
      name: `botocore signs a body as the gateway does: ${name}${temporary}`,
      fn: () =>
        withSigning({
          credentials: {
            payloadSigning,
            keys: {
              from: "configuration",
              accessKeyId: ACCESS_KEY_ID,
              secretAccessKey: new Secret(SECRET_ACCESS_KEY),
              sessionToken,
            },
          },
        }, async ({ arrived, send }) => {
          const body = sending.body instanceof ReadableStream ? chunked(length) : sending.body;
          await send("/studies", {
            method: "POST",
            ...sending,
            body,
            headers: { "content-type": contentType, ...sending.headers },
          });
          const [one] = arrived;
          const [judgement] = await computeByBotocore(arrived, keys);
          assert(one && judgement);
          const { signature, signedHeaders } = authorizationParts(one.headers);
          assert.equal(signature, judgement.signature);
          assert(signedHeaders.includes("content-type"));
          assert.equal(one.headers.get("x-amz-security-token"), sessionToken?.reveal() ?? null);
          assert.equal(signedHeaders.includes("x-amz-security-token"), sessionToken !== undefined);
          const expected = hash === "of the body" ? judgement.sha256 : hash;
          assert.equal(one.headers.get("x-amz-content-sha256"), expected);
          if (judgement.chunks === undefined) {
            assert.deepEqual(one.body, sending.body === "" ? new Uint8Array() : content(length));
            // An unsigned body is not read, so its length is unknown.
            const sent = hash === "UNSIGNED-PAYLOAD" ? null : String(length);
            assert.equal(one.headers.get("content-length"), sent);
          } else {
            const { frames, sha256 } = judgement.chunks;
            assert(frames.every(({ right }) => right));
            assert.equal(frames.at(-1)?.length, 0);
            const whole = await crypto.subtle.digest("SHA-256", content(length));
            assert.equal(sha256, new Uint8Array(whole).toHex());
            assert.equal(one.headers.get("x-amz-decoded-content-length"), String(length));
            assert.equal(one.headers.get("content-length"), String(one.body.length));
            assert.match(one.headers.get("content-encoding")!, /^aws-chunked(,x)?$/);
          }
        }),
    }));
  }
}

Deno.test(needing(BOTOCORE, {
  name: "botocore notices a signature that is wrong",
  fn: () =>
    withSigning({}, async ({ arrived, send }) => {
      await send("/studies?PatientID=1");
      const [one] = arrived;
      const { signature } = authorizationParts(one!.headers);
      const others = [
        { ...one!, url: `${one!.url}1` },
        { ...one!, method: "DELETE" },
        { ...one!, headers: new Headers([...one!.headers, ["x-amz-date", "20260101T000000Z"]]) },
      ];
      for (const { signature: other } of await computeByBotocore(others, keys)) {
        assert.notEqual(other, signature);
      }
    }),
}));
