/**
 * The same attacks over HTTP/2, which the listener supports too: targets, hosts and lengths are fields
 * that no HTTP/1.1 parser has checked.
 */
import assert from "node:assert/strict";
import { within } from "../fixtures/deadline.ts";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { BASE, CREDENTIAL, startHostileBench } from "./hostile_bench.ts";
import {
  type Fields,
  FLAG,
  FRAME,
  Http2Client,
  type Http2Outcome,
  literal,
  requestHead,
} from "./http2_client.ts";

const MIB = 1024 * 1024;
const LIMIT_MS = 30_000;
const MAIN = "/dicom-web/main";
const TARGET = `${MAIN}/studies`;

/** Fields of a search; `HOST` is replaced by the gateway's. */
function search(path: string, authority = "HOST", more: Fields = []): Fields {
  return [[":method", "GET"], [":scheme", "http"], [":authority", authority], [
    ":path",
    path,
  ], ...more];
}

/** The outcome of each: rejected, or (200) one request to the store like any other. */
const CASES: [what: string, fields: Fields, outcome: Http2Outcome][] = [
  ["dot segments", search(`${MAIN}/../../admin`), 400],
  ["%2e%2e", search(`${MAIN}/%2e%2e/%2e%2e/admin`), 400],
  ["%2f", search(`${MAIN}/studies%2f..%2fadmin`), 400],
  ["%5c", search(`${MAIN}/studies%5c..%5cadmin`), 400],
  ["dots encoded twice", search(`${MAIN}/%252e%252e/admin`), 400],
  ["//host", search("//elsewhere.example/studies"), 404],
  ["//host below the server", search(`${MAIN}//elsewhere.example/studies`), 400],
  ["an absolute URL for a path", search("http://elsewhere.example/dicom-web/main/studies"), 404],
  ["a path without a slash, which is added", search("dicom-web/main/studies"), 200],
  ["a host for a path", search("@elsewhere.example/studies"), 404],
  ["the end of a host for a path", search(".elsewhere.example/dicom-web/main/studies"), 404],
  ["no path", search(""), "reset"],
  ["a path of its own kind", search("*"), 404],
  ["a blank", search(`${MAIN}/stu dies`), "reset"],
  ["a line end in the path", search(`${MAIN}/studies\r\nhost: elsewhere.example`), "reset"],
  ["a NUL in the path", search(`${MAIN}/studies\0`), "reset"],
  ["two paths", search(TARGET, "HOST", [[":path", "/admin"]]), "reset"],
  [
    "a path behind the fields",
    search(TARGET, "HOST", [["accept", "*/*"], [":path", "/x"]]),
    "reset",
  ],
  ["another authority", search(TARGET, "elsewhere.example"), 421],
  ["an authority with user info", search(TARGET, "HOST@elsewhere.example"), 421],
  [
    "another host beside the authority",
    search(TARGET, "HOST", [["host", "elsewhere.example"]]),
    200,
  ],
  ["a line end in a value", search(TARGET, "HOST", [["x", "a\r\nauthorization: b"]]), "gone"],
  ["a line end in a name", search(TARGET, "HOST", [["x: a\r\nauthorization", "b"]]), "gone"],
  ["an upper-case name", search(TARGET, "HOST", [["Authorization", "b"]]), "gone"],
  ["Connection: authorization", search(TARGET, "HOST", [["connection", "authorization"]]), "reset"],
  ["chunks", search(TARGET, "HOST", [["transfer-encoding", "chunked"]]), "reset"],
  ["a tunnel", [[":method", "CONNECT"], [":authority", "elsewhere.example:443"]], 405],
  ["a length without a body", search(TARGET, "HOST", [["content-length", "5"]]), "reset"],
];

Deno.test("hostile HTTP/2: no request leaves the store's base URL, reaches another host or exceeds its length", async (t) => {
  await using bench = await startHostileBench();
  const host = new URL(bench.gateway.url).host;
  for (const [what, fields, outcome] of CASES) {
    await t.step(what, async () => {
      using client = await Http2Client.connect(bench.gateway.url);
      const sent = fields.map(([name, value]) => [name, value.replace("HOST", host)] as const);
      assert.equal(await within(LIMIT_MS, "an outcome", client.ask(sent)), outcome);
      const seen = bench.takeSeen();
      assert.deepEqual(
        seen.map(({ target, headers }) => [target, headers.get("host")]),
        outcome === 200 ? [[`${BASE}/studies`, new URL(bench.store.url).host]] : [],
      );
      await bench.assertUnharmed();
    });
  }
  await t.step(
    "a regular request reaches the store once, with the gateway's credential",
    async () => {
      using client = await Http2Client.connect(bench.gateway.url);
      const fields = search(TARGET, host, [["authorization", "Bearer of-the-client"]]);
      assert.equal(await within(LIMIT_MS, "an outcome", client.ask(fields)), 200);
      const seen = bench.takeSeen();
      assert.deepEqual(
        seen.map(({ target, headers }) => [target, headers.get("authorization")]),
        [[`${BASE}/studies`, CREDENTIAL]],
      );
      await bench.assertUnharmed();
    },
  );
});

Deno.test("hostile HTTP/2: endless fields and rapid resets cost no memory", async (t) => {
  await using bench = await startHostileBench();
  const host = new URL(bench.gateway.url).host;

  await t.step("fields in endless CONTINUATION frames end the connection", async () => {
    let outcome: Http2Outcome | undefined;
    const rise = await memoryRise(bench.gateway, async () => {
      using client = await Http2Client.connect(bench.gateway.url);
      const stream = client.takeStream();
      const block = literal("x", "y".repeat(16_000));
      await client.send(FRAME.headers, FLAG.none, stream, literal(":method", "GET"));
      try {
        for (let sent = 0; sent < 10_000; sent++) {
          await client.send(FRAME.continuation, FLAG.none, stream, block);
        }
      } catch {
        // The connection has ended, as expected.
      }
      outcome = await within(LIMIT_MS, "an end", client.outcomeOf(stream));
    });
    assert.equal(outcome, "gone");
    assert.ok(rise < 64 * MIB, `rose by ${Math.round(rise / MIB)} MiB`);
    assert.deepEqual(bench.takeSeen(), []);
    await bench.assertUnharmed();
  });

  await t.step("20,000 requests that are reset immediately", async () => {
    const rise = await memoryRise(bench.gateway, async () => {
      using client = await Http2Client.connect(bench.gateway.url);
      try {
        for (let sent = 0; sent < 20_000; sent++) {
          const stream = client.takeStream();
          await client.write(requestHead(stream, search(TARGET, host), true));
          await client.send(FRAME.reset, FLAG.none, stream, Uint8Array.of(0, 0, 0, 8));
        }
      } catch {
        // The connection may end.
      }
    });
    assert.ok(rise < 128 * MIB, `rose by ${Math.round(rise / MIB)} MiB`);
    await bench.assertUnharmed();
  });
});
