import assert from "node:assert/strict";
import { readListBody } from "../../src/upstream/json_list_body.ts";

const MIB = 1024 * 1024;

async function count(response: Response, maxBytes = 1_000_000): Promise<number> {
  let results = 0;
  for await (const _ of readListBody(response, maxBytes)) results++;
  return results;
}

Deno.test("readListBody: an empty body is an empty list only if the store announces it as empty", async () => {
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

/** A page of 50,001 results in chunks, all available at once. */
function pageInChunks(perChunk: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunk = new TextEncoder().encode(
    '{"00080018":{"vr":"UI","Value":["1"]}},'.repeat(perChunk),
  );
  return ReadableStream.from((function* () {
    yield new TextEncoder().encode("[");
    for (let results = 0; results < 50_000; results += perChunk) yield chunk;
    yield new TextEncoder().encode("{}]");
  })());
}

Deno.test("readListBody: others proceed while a page that has arrived at once is read", async (t) => {
  const pages: Record<string, () => ReadableStream<Uint8Array<ArrayBuffer>>> = {
    "many results in each chunk": () => pageInChunks(50_000),
    "a result in each chunk": () => pageInChunks(1),
    "chunks of one result that does not end": () =>
      ReadableStream.from((function* () {
        yield new TextEncoder().encode('[{"a":"');
        for (let chunk = 0; chunk < 5_000; chunk++) yield new Uint8Array(1000).fill(0x61);
        yield new TextEncoder().encode('"}]');
      })()),
  };
  for (const [what, page] of Object.entries(pages)) {
    await t.step(what, async () => {
      let turns = 0;
      const others = setInterval(() => turns++, 0);
      await count(new Response(page()), 100 * MIB);
      clearInterval(others);
      assert.ok(turns > 2, `${turns} turns`);
    });
  }
});

Deno.test("readListBody: a page that decompresses to 40 MB is read as far as needed, or to a limit", async () => {
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
