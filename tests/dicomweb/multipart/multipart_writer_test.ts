import assert from "node:assert/strict";
import { readMultipart } from "../../../src/dicomweb/multipart/multipart_reader.ts";
import {
  type MultipartPartInit,
  newBoundary,
  writeMultipart,
} from "../../../src/dicomweb/multipart/multipart_writer.ts";
import { bytes, pieces } from "../bytes.ts";

Deno.test("readMultipart reads back what writeMultipart writes", async () => {
  const binary = crypto.getRandomValues(new Uint8Array(60_000));
  const boundary = newBoundary();
  const contents = [bytes(""), binary, bytes(`\r\n--${boundary.slice(0, -1)}\r\n`), bytes("\r\n")];
  const body = writeMultipart(
    contents.map((each, n) => ({
      headers: { "X-N": `${n}` },
      body: n % 2 === 0 ? each : new Blob([each]).stream(),
    })),
    boundary,
  );
  let n = 0;
  for await (const part of readMultipart(body, boundary)) {
    assert.equal(part.headers.get("x-n"), `${n}`);
    assert.deepEqual(new Uint8Array(await new Response(part.body).arrayBuffer()), contents[n++]);
  }
  assert.equal(n, contents.length);
});

Deno.test("writeMultipart spells header names as MIME does and keeps Latin-1 values", async () => {
  const headers = { "content-type": "application/dicom", "CONTENT-LOCATION": "/\xe4" };
  const written = await new Response(writeMultipart([{ headers, body: bytes("x") }], "b")).bytes();
  assert.deepEqual(
    written,
    bytes(
      "--b\r\nContent-Location: /\xe4\r\nContent-Type: application/dicom\r\n\r\nx\r\n--b--\r\n",
    ),
  );
});

Deno.test("writeMultipart writes a closing boundary alone when there is no part", async () => {
  assert.equal(await new Response(writeMultipart([], "b")).text(), "--b--\r\n");
});

Deno.test("writeMultipart reads from the parts only what is requested", async () => {
  const source = pieces("one", "two", "three");
  const reader = writeMultipart([{ headers: {}, body: source.stream }], "b").getReader();
  await reader.read();
  assert.equal(source.given(), 0);
  await reader.read();
  assert.equal(source.given(), 1);
  await reader.cancel("enough");
  assert.equal(source.cancelled(), "enough");
});

Deno.test("writeMultipart fails without a closing boundary when a part fails, and requests no more parts", async () => {
  const events: string[] = [];
  async function* parts(): AsyncGenerator<MultipartPartInit> {
    try {
      yield { headers: {}, body: pieces("one", new Error("store went away")).stream };
      events.push("asked for more");
    } finally {
      events.push("told to stop");
    }
  }
  const received: string[] = [];
  await assert.rejects(async () => {
    for await (const chunk of writeMultipart(parts(), "b")) {
      received.push(new TextDecoder().decode(chunk));
    }
  }, /store went away/);
  assert.equal(received.join(""), "--b\r\n\r\none");
  assert.deepEqual(events, ["told to stop"]);
});

Deno.test("writeMultipart fails when the sequence of parts fails", async () => {
  // deno-lint-ignore require-yield -- it fails before its first part
  async function* parts(): AsyncGenerator<MultipartPartInit> {
    throw new Error("search failed");
  }
  await assert.rejects(new Response(writeMultipart(parts(), "b")).text(), /search failed/);
});

Deno.test("newBoundary is new each time and needs no quotes", () => {
  assert.notEqual(newBoundary(), newBoundary());
  assert.match(newBoundary(), /^[\w-]{30,70}$/);
});
