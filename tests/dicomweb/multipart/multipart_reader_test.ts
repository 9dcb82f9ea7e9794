import assert from "node:assert/strict";
import { boundaryOf, readMultipart } from "../../../src/dicomweb/multipart/multipart_reader.ts";
import { MultipartError } from "../../../src/dicomweb/multipart/multipart_scanner.ts";
import { pieces } from "../bytes.ts";

async function textOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return await new Response(body).text();
}

Deno.test("readMultipart returns each part's headers and content", async () => {
  const { stream } = pieces(
    "--b\r\nA: 1\r\n\r\nhe",
    "llo\r\n-",
    "-b\r\nA: 2\r\n\r\nworld\r\n--b--",
  );
  const found: [string | null, string][] = [];
  for await (const part of readMultipart(stream, "b")) {
    found.push([part.headers.get("a"), await textOf(part.body)]);
  }
  assert.deepEqual(found, [["1", "hello"], ["2", "world"]]);
});

Deno.test("readMultipart reads from the body only what is requested", async () => {
  const source = pieces("--b\r\n\r\n", "one", "two", "\r\n--b--");
  const parts = readMultipart(source.stream, "b");
  const part = (await parts.next()).value!;
  assert.equal(source.given(), 1);
  const reader = part.body.getReader();
  await reader.read();
  assert.equal(source.given(), 2);
  await reader.read();
  assert.equal(source.given(), 3);
  await parts.return();
});

Deno.test("readMultipart skips the unread rest of a part, and later reads of it fail", async () => {
  const { stream } = pieces("--b\r\n\r\none", "more", "\r\n--b\r\n\r\ntwo\r\n--b--");
  const parts = readMultipart(stream, "b");
  const first = (await parts.next()).value!;
  const reader = first.body.getReader();
  await reader.read();
  const second = (await parts.next()).value!;
  assert.equal(await textOf(second.body), "two");
  await assert.rejects(reader.read(), /Cannot read a part that was skipped/);
  assert.equal((await parts.next()).done, true);
});

Deno.test("readMultipart closes a part whose end alone was unread", async () => {
  const { stream } = pieces("--b\r\n\r\none", "\r\n--b--");
  const parts = readMultipart(stream, "b");
  const reader = (await parts.next()).value!.body.getReader();
  await reader.read();
  assert.equal((await parts.next()).done, true);
  assert.equal((await reader.read()).done, true);
});

Deno.test("readMultipart goes on after a part that was cancelled", async () => {
  const { stream } = pieces("--b\r\n\r\none", "more", "\r\n--b\r\n\r\ntwo\r\n--b--");
  const found: string[] = [];
  for await (const part of readMultipart(stream, "b")) {
    if (found.length === 0) {
      await part.body.cancel();
      found.push("cancelled");
    } else found.push(await textOf(part.body));
  }
  assert.deepEqual(found, ["cancelled", "two"]);
});

Deno.test("readMultipart keeps content in order when the next part is requested during a read", async () => {
  const { stream } = pieces("--b\r\n\r\n", "one", "\r\n--b\r\n\r\ntwo\r\n--b--");
  const parts = readMultipart(stream, "b");
  const first = (await parts.next()).value!;
  const [read, second] = await Promise.all([first.body.getReader().read(), parts.next()]);
  assert.equal(read.value?.length, 3);
  assert.equal(await textOf(second.value!.body), "two");
  assert.equal((await parts.next()).done, true);
});

Deno.test("readMultipart fails in the part and in the sequence when the body breaks off", async () => {
  for (const last of [[], [new Error("connection reset")]]) {
    const { stream } = pieces("--b\r\n\r\none", ...last);
    const parts = readMultipart(stream, "b");
    const { body } = (await parts.next()).value!;
    const expected = last.length === 0 ? MultipartError : /connection reset/;
    await assert.rejects(textOf(body), expected);
    await assert.rejects(parts.next(), expected);
  }
});

Deno.test("readMultipart notices a body that fails after its closing boundary", async () => {
  const { stream } = pieces("--b\r\n\r\none\r\n--b--", new Error("connection reset"));
  const parts = readMultipart(stream, "b");
  await parts.next();
  await assert.rejects(parts.next(), /connection reset/);
});

Deno.test("readMultipart cancels the body when its reader stops", async () => {
  const source = pieces("--b\r\n\r\none", "two");
  for await (const _part of readMultipart(source.stream, "b")) break;
  assert.equal(source.cancelled(), "cancelled");
  assert.equal(source.given(), 1);
});

Deno.test("readMultipart fails a read that waits while its reader stops", async () => {
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("--b\r\n\r\n")),
  });
  const parts = readMultipart(stream, "b");
  const read = (await parts.next()).value!.body.getReader().read();
  await Promise.all([assert.rejects(read, MultipartError), parts.return()]);
});

const boundaries: [why: string, contentType: string, boundary: string][] = [
  ["Orthanc, unquoted", 'multipart/related; type="application/dicom"; boundary=1f2e-3', "1f2e-3"],
  ["quoted with spaces and semicolon", 'Multipart/Related; BOUNDARY="a b;c"', "a b;c"],
  [
    "unquoted with =",
    "multipart/related; boundary=----=_Part_1; type=application/dicom",
    "----=_Part_1",
  ],
];

for (const [why, contentType, boundary] of boundaries) {
  Deno.test(`boundaryOf finds the boundary (${why})`, () => {
    assert.equal(boundaryOf(contentType), boundary);
  });
}

for (
  const contentType of [
    null,
    "",
    "application/dicom; boundary=x",
    "multipart/related",
    'multipart/related; boundary=""',
  ]
) {
  Deno.test(`boundaryOf rejects ${contentType}`, () => {
    assert.throws(() => boundaryOf(contentType), MultipartError);
  });
}
