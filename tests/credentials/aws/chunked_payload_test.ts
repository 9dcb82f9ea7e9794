import assert from "node:assert/strict";
import { chunkedPayload, framedLength } from "../../../src/credentials/aws/chunked_payload.ts";

/** Amazon S3 API Reference, "Signature calculations … multiple chunks": the example's keys and seed. */
const example = {
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
  service: "s3",
  atMs: Date.UTC(2013, 4, 24),
  seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
};

async function framed(pieces: readonly Uint8Array<ArrayBuffer>[]): Promise<Uint8Array> {
  const body = ReadableStream.from(pieces).pipeThrough(chunkedPayload(example));
  return await new Response(body).bytes();
}

Deno.test("chunkedPayload signs the example of S3's documentation", async () => {
  const body = new Uint8Array(66_560).fill("a".charCodeAt(0));
  const text = new TextDecoder().decode(await framed([body]));
  assert.equal(text.length, 66_824);
  assert.deepEqual(text.split("\r\n").filter((line) => line.includes(";")), [
    "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
  ]);
});

Deno.test("chunkedPayload does not depend on the chunks of the body, and framedLength is its length", async () => {
  for (const length of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const body = new Uint8Array(length).map((_, index) => index % 251);
    const whole = await framed([body]);
    assert.equal(whole.length, framedLength(length), `${length} bytes`);
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < length; at += 10_007) pieces.push(body.slice(at, at + 10_007));
    assert.deepEqual(await framed(pieces), whole);
  }
});
