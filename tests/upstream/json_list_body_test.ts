import assert from "node:assert/strict";
import { readListBody } from "../../src/upstream/json_list_body.ts";

const MIB = 1024 * 1024;

async function count(response: Response, maxBytes = 1_000_000): Promise<number> {
  let results = 0;
  for await (const _ of readListBody(response, maxBytes)) results++;
  return results;
}

Deno.test("readListBody: an empty body is an empty list only where the store says that it is empty", async () => {
  assert.equal(await count(new Response(null, { status: 204 })), 0);
  assert.equal(await count(new Response("", { headers: { "content-length": "0" } })), 0);
  assert.equal(await count(new Response("[]")), 0);
  await assert.rejects(count(new Response("")), { code: "NET-002" });
});

Deno.test("readListBody: what breaks off is NET-002, what is no list or too long NET-009", async () => {
  await assert.rejects(count(new Response('[{"a":1}')), { code: "NET-002" });
  const broken = new ReadableStream({
    pull: (controller) => controller.error(new TypeError("reset")),
  });
  await assert.rejects(count(new Response(broken)), { code: "NET-002" });
  await assert.rejects(count(new Response("<html>")), { code: "NET-009" });
  await assert.rejects(count(new Response("[{a}]")), { code: "NET-009" });
  await assert.rejects(count(new Response(`[${" ".repeat(100)}]`), 50), { code: "NET-009" });
});

Deno.test("readListBody: others proceed while a page that is there at once is read", async () => {
  const block = new TextEncoder().encode('{"00080018":{"vr":"UI","Value":["1"]}},'.repeat(100));
  let blocks = 500;
  const page = new ReadableStream({
    pull(controller) {
      if (blocks === 500) controller.enqueue(new TextEncoder().encode("["));
      if (blocks-- > 0) return controller.enqueue(block);
      controller.enqueue(new TextEncoder().encode("{}]"));
      controller.close();
    },
  });
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  assert.equal(await count(new Response(page), 100_000_000), 50_001);
  clearInterval(others);
  assert.ok(turns > 2, `${turns} turns`);
});

Deno.test("readListBody: a page that decompresses to 40 MB is read as far as it is wanted, or to a bound", async () => {
  const one = new TextEncoder().encode('{"00080018":{"vr":"UI","Value":["1"]}},'.repeat(10_000));
  const page = ReadableStream.from((function* () {
    yield new TextEncoder().encode("[");
    for (let block = 0; block < 100; block++) yield one;
  })()).pipeThrough(new CompressionStream("gzip"));
  const bytes = await new Response(page).bytes();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(bytes, { headers: { "content-encoding": "gzip" } }),
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  let results = 0;
  for await (const _ of readListBody(await fetch(url), MIB)) {
    if (++results === 1000) break;
  }
  assert.equal(results, 1000);
  await assert.rejects(count(await fetch(url), MIB), {
    code: "NET-009",
    message: /exceeds 1048576 bytes/,
  });
});
