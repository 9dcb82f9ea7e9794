import assert from "node:assert/strict";
import { ReplayableBody } from "../../src/upstream/replayable_body.ts";

const KIB = 1024;

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function isSettled(promise: Promise<unknown> | undefined): Promise<boolean> {
  const pending = Symbol();
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return await Promise.race([promise, Promise.resolve(pending)]) !== pending;
}

Deno.test("ReplayableBody is read as it is written, and ends", async () => {
  const body = new ReplayableBody(KIB);
  const text = new Response(body.open()).text();
  assert.equal(body.write(bytes("a")), undefined);
  await Promise.resolve();
  body.write(bytes("b"));
  assert.equal(body.isTaken, false);
  body.end();
  assert.equal(await text, "ab");
  assert.equal(body.isTaken, true);
});

Deno.test("ReplayableBody makes its writer wait for the reader", async () => {
  const body = new ReplayableBody(0);
  const reader = body.open().getReader();
  assert.equal(body.write(new Uint8Array(256 * KIB)), undefined);
  const room = body.write(new Uint8Array(1));
  assert.equal(await isSettled(room), false);
  await reader.read();
  await room;
  assert.equal(body.write(new Uint8Array(1)), undefined);
});

Deno.test("ReplayableBody is read again from its beginning, and on", async () => {
  const body = new ReplayableBody(KIB);
  const first = body.open().getReader();
  body.write(bytes("a"));
  body.write(bytes("b"));
  await first.read();
  const waiting = first.read().then(() => first.read());
  const second = new Response(body.open()).text();
  body.write(bytes("c"));
  body.end();
  assert.equal(await second, "abc");
  await assert.rejects(waiting, TypeError);
});

Deno.test("ReplayableBody is not taken until it has been read to its end again", async () => {
  const body = new ReplayableBody(KIB);
  body.write(bytes("a"));
  const reader = body.open().getReader();
  await reader.read();
  assert.equal(body.isTaken, false, "more may come");
  body.end();
  assert.equal(body.isTaken, true, "a reader that knows the length does not ask for the end");
  const again = body.open();
  assert.equal(body.isTaken, false);
  await again.cancel();
});

Deno.test("ReplayableBody is not kept once it is longer than its bound", async () => {
  const body = new ReplayableBody(2);
  const reader = body.open().getReader();
  body.write(bytes("ab"));
  assert.equal(body.canReplay, true);
  body.write(bytes("c"));
  assert.equal(body.canReplay, false);
  assert.throws(() => body.open(), TypeError);
  assert.deepEqual((await reader.read()).value, bytes("ab"));
  assert.deepEqual((await reader.read()).value, bytes("c"));
});

Deno.test("ReplayableBody that fails never comes to an end", async () => {
  const body = new ReplayableBody(KIB);
  const text = new Response(body.open()).text();
  body.write(bytes("half an inst"));
  body.fail(new Error("broke off"));
  body.end();
  await assert.rejects(text, { message: "broke off" });
  assert.equal(body.isTaken, false);
});

Deno.test("ReplayableBody that is abandoned drops what is written", async () => {
  const body = new ReplayableBody(KIB);
  body.open();
  const room = body.write(new Uint8Array(300 * KIB));
  assert.equal(await isSettled(room), false);
  body.abandon();
  await room;
  assert.equal(body.write(new Uint8Array(300 * KIB)), undefined);
  assert.equal(body.canReplay, false);
});
