import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Bytes, joinBytes } from "../../src/dicomweb/bytes.ts";
import { gzipBody } from "../../src/upstream/gzip_body.ts";
import { within } from "../fixtures/deadline.ts";
import { seededBytes } from "../fixtures/seeded_bytes.ts";

const LIMIT_MS = 20_000;
const MIB = 1024 * 1024;

/** DICOM JSON as stores send it; no two results are alike. */
function metadata(length: number): Bytes {
  const noise = seededBytes(length, Math.ceil(length / 8));
  let text = "[";
  for (let at = 0; text.length < length; at += 20) {
    const uid = noise.subarray(at, at + 20).join(".");
    text += `{"00080018":{"vr":"UI","Value":["${uid}"]},"00080060":{"vr":"CS","Value":["CT"]}},`;
  }
  return new TextEncoder().encode(text.slice(0, length));
}

function* cut(bytes: Bytes, sizes: readonly number[]): Generator<Bytes> {
  for (let at = 0, count = 0; at < bytes.length; count++) {
    const size = sizes[count % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function pieces(body: Bytes | ReadableStream<Bytes>): Promise<Bytes[]> {
  return body instanceof Uint8Array ? [body] : await Array.fromAsync(body);
}

const SIZES = [0, 1, 1023, 1024, 65_535, 65_536, 65_537, 200_000, MIB, 5 * MIB];
const CHUNKS: Record<string, readonly number[]> = {
  "in one chunk": [Infinity],
  "in chunks of 16 KiB": [16_384],
  "in chunks of 1 and 100,000 bytes": [1, 100_000],
  "in chunks with empty ones between": [0, 70_000],
};

for (const [how, sizes] of Object.entries(CHUNKS)) {
  Deno.test(`gzipBody: what is decoded equals what was given, ${how}`, async () => {
    for (const content of [metadata, (length: number) => seededBytes(length + 1, length)]) {
      for (const size of SIZES) {
        const bytes = content(size);
        for (const body of [bytes, ReadableStream.from(cut(bytes, sizes))]) {
          const coded = await gzipBody(body, { minBytes: 1024 });
          const sent = joinBytes(await pieces(coded.body));
          assert.equal(coded.isCoded, size >= 1024, `${size} bytes`);
          const decoded = coded.isCoded ? gunzipSync(sent) : sent;
          assert.ok(bytes.length === decoded.length && Buffer.compare(bytes, decoded) === 0);
        }
      }
    }
  });
}

Deno.test("gzipBody: JSON takes at most 1.1 times what level 6 of zlib makes of it", async () => {
  for (const size of [2_000, 50_000, 500_000, 5 * MIB]) {
    const bytes = metadata(size);
    const { body } = await gzipBody(ReadableStream.from(cut(bytes, [16_384])), { minBytes: 0 });
    const sent = joinBytes(await pieces(body)).length;
    assert.ok(sent <= 1.1 * gzipSync(bytes, { level: 6 }).length, `${size} bytes: ${sent}`);
  }
});

Deno.test("gzipBody: all pieces of a fast source but the last have 64 KiB", async () => {
  const { body } = await gzipBody(
    ReadableStream.from(cut(seededBytes(1, 3 * MIB), [10_000])),
    { minBytes: 0 },
  );
  const lengths = (await pieces(body)).map(({ length }) => length);
  assert.ok(lengths.length > 10);
  assert.deepEqual(lengths.slice(0, -1).filter((length) => length < 65_536), []);
});

Deno.test("gzipBody: what a source has sent arrives while the source pauses", async () => {
  const source = new TransformStream<Bytes, Bytes>();
  const writer = source.writable.getWriter();
  const write = (text: string) => void writer.write(new TextEncoder().encode(text));
  const coding = gzipBody(source.readable, { minBytes: 1024 });
  write("[1");
  // The source writes on only when this has arrived.
  const { body } = await within(LIMIT_MS, "the beginning", coding);
  assert.ok(body instanceof ReadableStream);
  const decoded = body.pipeThrough(new DecompressionStream("gzip")).getReader();
  const decoder = new TextDecoder();
  for (const text of ["[1", ",2", ",3"]) {
    if (text !== "[1") write(text);
    let received = "";
    while (received.length < text.length) {
      const { value } = await within(LIMIT_MS, text, decoded.read());
      received += decoder.decode(value, { stream: true });
    }
    assert.equal(received, text);
  }
  write("]");
  await writer.close();
  assert.equal(decoder.decode((await decoded.read()).value), "]");
  assert.equal((await decoded.read()).done, true);
});

Deno.test("gzipBody: a source that breaks off fails, before the beginning or after it", async (t) => {
  const broken = (bytes: number) =>
    ReadableStream.from((function* () {
      yield* cut(seededBytes(1, bytes), [10_000]);
      throw new TypeError("reset");
    })());
  await t.step(
    "before",
    () => assert.rejects(gzipBody(broken(20_000), { minBytes: 0 }), { message: "reset" }),
  );
  await t.step("after", async () => {
    const { body } = await gzipBody(broken(MIB), { minBytes: 0 });
    await assert.rejects(pieces(body), { message: "reset" });
  });
});

Deno.test("gzipBody: a client that leaves ends the source", async () => {
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const endless = new ReadableStream<Bytes>({
    pull: (controller) => controller.enqueue(seededBytes(1, 50_000)),
    cancel: resolve,
  });
  const { body } = await gzipBody(endless, { minBytes: 0 });
  assert.ok(body instanceof ReadableStream);
  await body.cancel("gone");
  assert.equal(await within(LIMIT_MS, "the source", ended), "gone");
});
