import assert from "node:assert/strict";
import { freePort, serveOnLoopback } from "../../src/demo/loopback_server.ts";

Deno.test("serveOnLoopback uses the preferred port, or another if that is in use", async () => {
  const answer = (text: string) => () => () => new Response(text);
  const first = serveOnLoopback(0, answer("first"));
  const second = serveOnLoopback(first.port, (origin) => () => new Response(origin));
  try {
    assert.notEqual(second.port, first.port);
    assert.equal(await (await fetch(first.origin)).text(), "first");
    assert.equal(await (await fetch(second.origin)).text(), second.origin);
    assert.notEqual(freePort(first.port), first.port);
  } finally {
    await first.close();
    await second.close();
  }
  const again = serveOnLoopback(first.port, answer("again"));
  assert.equal(again.port, first.port);
  await again.close();
  assert.equal(freePort(first.port), first.port);
});
