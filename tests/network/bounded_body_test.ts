import assert from "node:assert/strict";
import { readBounded, readStart, readText } from "../../src/network/bounded_body.ts";

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

function bodyOf(pieces: readonly string[], then: "ends" | "fails" | "hangs" = "ends") {
  const left = pieces.map((piece) => new TextEncoder().encode(piece));
  const seen = { cancelled: false };
  const body: Body = new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (then === "ends") controller.close();
      else if (then === "fails") controller.error(new Error("it broke off"));
      else return new Promise(() => {});
    },
    cancel() {
      seen.cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, seen };
}

async function text(held: Uint8Array<ArrayBuffer> | Body): Promise<string> {
  return await new Response(held).text();
}

Deno.test("readBounded: bytes up to the bound, beyond it a stream that has all of them", async () => {
  const within = await readBounded(bodyOf(["ab", "cd"]).body, 4);
  assert.ok(within instanceof Uint8Array);
  assert.equal(await text(within), "abcd");
  const beyond = await readBounded(bodyOf(["ab", "cd", "ef"]).body, 3);
  assert.ok(beyond instanceof ReadableStream);
  assert.equal(await text(beyond), "abcdef");
  assert.deepEqual(await readBounded(null, 0), new Uint8Array());
});

Deno.test("readBounded: a bound that grows while it is read", async () => {
  let bound = 1;
  const { body } = bodyOf(["a", "b", "c"]);
  const held = await readBounded(body, () => bound++);
  assert.ok(held instanceof Uint8Array);
});

Deno.test("readBounded: fails as the body does, also after the bound", async () => {
  await assert.rejects(readBounded(bodyOf(["ab"], "fails").body, 4), /it broke off/);
  const beyond = await readBounded(bodyOf(["ab"], "fails").body, 1);
  await assert.rejects(text(beyond), /it broke off/);
});

Deno.test("readText returns undefined for a longer body, and cancels it", async () => {
  const { body, seen } = bodyOf(["ä".repeat(3)], "hangs");
  assert.equal(await readText(body, 5), undefined);
  assert.equal(seen.cancelled, true);
  assert.equal(await readText(bodyOf(["ä", "€"]).body, 5), "ä€");
  assert.equal(await readText(null, 5), "");
});

Deno.test("readStart returns what has arrived of a body that breaks off or does not end", async () => {
  assert.equal(await readStart(bodyOf(["ab", "cd"], "fails").body, 100), "abcd");
  const { body, seen } = bodyOf(["ab", "cd"], "hangs");
  assert.equal(await readStart(body, 3), "abcd");
  assert.equal(seen.cancelled, true);
  assert.equal(await readStart(null, 3), "");
});

Deno.test("readStart: a copy does not wait for the other one", async () => {
  const response = new Response("x".repeat(100));
  assert.equal((await readStart(response.clone().body, 10)).length, 100);
  assert.equal((await response.text()).length, 100);
});

Deno.test("readText decodes by the charset of Content-Type, and as UTF-8 without a known one", async () => {
  const latin1 = Uint8Array.of(0x67, 0xfc, 0x6c, 0x74, 0x69, 0x67);
  const utf16 = Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x62, 0);
  const utf8 = new TextEncoder().encode("gültig");
  const rows: [type: string, bytes: Uint8Array<ArrayBuffer>, read: string][] = [
    ["text/html; charset=iso-8859-1", latin1, "gültig"],
    ['text/html;Charset="Windows-1252"', latin1, "gültig"],
    ["text/html; charset=utf-16", utf16, "ab"],
    ["application/json", utf8, "gültig"],
    ["application/json; charset=utf-8", utf8, "gültig"],
    ["text/html; charset=nonsense", utf8, "gültig"],
    ["", utf8, "gültig"],
  ];
  for (const [type, bytes, read] of rows) {
    assert.equal(await readText(new Blob([bytes]).stream(), 100, type), read, type);
  }
});
