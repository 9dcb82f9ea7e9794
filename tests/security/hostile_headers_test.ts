/**
 * Requests whose framing or headers two servers could interpret differently, as bytes on a connection to
 * the real gateway: the store receives one request, framed by the gateway, or none.
 */
import assert from "node:assert/strict";
import { memoryRise } from "../fixtures/memory_watch.ts";
import { BASE, CREDENTIAL, startHostileBench, type StoreRequest } from "./hostile_bench.ts";

const MIB = 1024 * 1024;
const TARGET = "/dicom-web/main/studies";
const START = `POST ${TARGET} HTTP/1.1\r\nhost: HOST\r\ncontent-type: application/dicom\r\n`;
/** A request that only a server that misreads the body would see. */
const INNER = `DELETE ${BASE}/inner HTTP/1.1\r\nhost: store\r\n\r\n`;
const LENGTH = INNER.length;
const CHUNK = `${LENGTH.toString(16)}\r\n${INNER}\r\n0\r\n\r\n`;

/** Rejected, or one request with this body. */
type Outcome = { readonly refused: number; readonly code?: string } | { readonly body: string };
const REFUSED: Outcome = { refused: 400 };
const FORWARDED: Outcome = { body: INNER };
/** Detected while the request is sent to the store: no response of the store, and no fault of it. */
const BROKEN: Outcome = { refused: 400, code: "NET-005" };

const FRAMINGS: [what: string, headers: string, body: string, outcome: Outcome][] = [
  ["a length and chunks", `content-length: 4\r\ntransfer-encoding: chunked\r\n`, CHUNK, FORWARDED],
  ["chunks and a length", `transfer-encoding: chunked\r\ncontent-length: 4\r\n`, CHUNK, FORWARDED],
  ["two lengths", `content-length: ${LENGTH}\r\ncontent-length: 0\r\n`, INNER, REFUSED],
  ["two lengths in one header", `content-length: ${LENGTH}, 0\r\n`, INNER, REFUSED],
  ["a length with a sign", `content-length: +${LENGTH}\r\n`, INNER, REFUSED],
  ["a negative length", `content-length: -1\r\n`, INNER, REFUSED],
  ["a hexadecimal length", `content-length: 0x10\r\n`, INNER, REFUSED],
  ["a length beyond all numbers", `content-length: ${"9".repeat(40)}\r\n`, INNER, REFUSED],
  ["a blank before the colon", `content-length : ${LENGTH}\r\n`, INNER, REFUSED],
  ["a header without a name", `: x\r\ncontent-length: ${LENGTH}\r\n`, INNER, REFUSED],
  ["a NUL in a name", `content\0-length: ${LENGTH}\r\n`, INNER, REFUSED],
  ["a NUL in a value", `x: \0\r\ncontent-length: ${LENGTH}\r\n`, INNER, REFUSED],
  [
    "a line that goes on",
    `x: a\r\n content-length: 0\r\ncontent-length: ${LENGTH}\r\n`,
    INNER,
    REFUSED,
  ],
  ["a carriage return inside a line", `x: a\rcontent-length: 0\r\n`, INNER, REFUSED],
  ["another coding", "transfer-encoding: gzip, chunked\r\n", CHUNK, FORWARDED],
  ["chunks that are not last", "transfer-encoding: chunked, identity\r\n", CHUNK, REFUSED],
  ["an unknown coding", "transfer-encoding: xchunked\r\n", CHUNK, REFUSED],
  [
    "chunks twice",
    "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
    CHUNK,
    FORWARDED,
  ],
  ["a chunk without a size", "transfer-encoding: chunked\r\n", `xyz\r\n${INNER}`, BROKEN],
  ["a chunk of negative size", "transfer-encoding: chunked\r\n", `-1\r\n${INNER}`, BROKEN],
  [
    "a chunk of hostile size",
    "transfer-encoding: chunked\r\n",
    `${"f".repeat(17)}\r\n${INNER}`,
    BROKEN,
  ],
  [
    "a chunk that is longer than it says",
    "transfer-encoding: chunked\r\n",
    `1\r\nab\r\n0\r\n\r\n`,
    BROKEN,
  ],
];

Deno.test("hostile framing: the store receives one request, as the gateway framed it, or none", async (t) => {
  await using bench = await startHostileBench();
  for (const [what, headers, body, outcome] of FRAMINGS) {
    await t.step(what, async () => {
      const request = `${START}${headers}connection: close\r\n\r\n${body}`;
      const { status, code } = await bench.send(request);
      const seen = bench.takeSeen();
      if ("refused" in outcome) {
        assert.deepEqual([status, code], [outcome.refused, outcome.code]);
        assert.deepEqual(seen, []);
      } else {
        assert.equal(status, 200);
        assert.deepEqual(seen.map((each) => [each.method, each.target, each.body]), [
          ["POST", `${BASE}/studies`, outcome.body],
        ]);
        const [{ headers }] = seen as [StoreRequest];
        assert.ok(!headers.has("content-length") || !headers.has("transfer-encoding"));
      }
      await bench.assertUnharmed();
    });
  }
});

const ENDLESS: [what: string, start: string, more: string][] = [
  ["an endless chunk extension", "1;", "a=b;".repeat(16_384)],
  ["endless trailers", "0\r\n", "x-trailer: y\r\n".repeat(4_096)],
  ["one endless trailer", "0\r\nx: ", "y".repeat(65_536)],
];

Deno.test("hostile framing: chunk extensions and trailers are read up to a limit", async (t) => {
  await using bench = await startHostileBench();
  for (const [what, start, more] of ENDLESS) {
    await t.step(`${what}: 400 before 256 MiB are received`, async () => {
      const pieces = Array<string>(4_096).fill(more);
      const rise = await memoryRise(bench.gateway, async () => {
        const head = `${START}transfer-encoding: chunked\r\nconnection: close\r\n\r\n`;
        const { status, code } = await bench.send(head + start, ...pieces);
        // A client that keeps sending after the response may lose it: the connection is reset.
        if (status !== 0) assert.deepEqual([status, code], [400, "NET-005"]);
      });
      assert.ok(rise < 64 * MIB, `rose by ${Math.round(rise / MIB)} MiB`);
      assert.deepEqual(bench.takeSeen(), []);
      await bench.assertUnharmed();
    });
  }
});

const MANY = Array.from({ length: 2_000 }, (_, n) => `x-${n}: y\r\n`).join("");

/** Header lines of a search, and the status if it is rejected. */
const HEADERS: [what: string, headers: string, refused?: number][] = [
  ["Connection names the credential", "host: HOST\r\nconnection: close, authorization\r\n"],
  [
    "Connection names the credential, and the client has one of its own",
    "host: HOST\r\nconnection: close, authorization\r\nauthorization: Bearer of-the-client\r\n",
  ],
  [
    "the client has a credential of its own",
    "host: HOST\r\nauthorization: Bearer x\r\ncookie: a=b\r\n",
  ],
  [
    "Connection names everything",
    "host: HOST\r\nconnection: host, accept, x-request-id, user-agent\r\n",
  ],
  ["Connection is no list", 'host: HOST\r\nconnection: ;;, ,"authorization"\r\n'],
  ["Host twice", "host: HOST\r\nhost: elsewhere.example\r\n", 400],
  ["Host twice, the other way", "host: elsewhere.example\r\nhost: HOST\r\n", 421],
  ["another Host", "host: elsewhere.example\r\n", 421],
  ["a Host with user info", "host: HOST@elsewhere.example\r\n", 421],
  ["a Host with a path", "host: elsewhere.example/dicom-web/main\r\n", 421],
  ["no Host, which means the gateway's own address", ""],
  [
    "forwarding headers of another host",
    "host: HOST\r\nx-forwarded-host: elsewhere.example\r\nforwarded: host=elsewhere.example\r\n",
  ],
  ["a URL to rewrite to", "host: HOST\r\nx-original-url: /admin\r\nx-rewrite-url: /admin\r\n"],
  [
    "headers that metadata services require",
    "host: HOST\r\nmetadata-flavor: Google\r\nmetadata: true\r\n",
  ],
  [
    "a protocol to change to",
    "host: HOST\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
  ],
  ["a header of 50 KB", `host: HOST\r\nx: ${"y".repeat(50_000)}\r\n`],
  ["a header of 10 MB", `host: HOST\r\nx: ${"y".repeat(10_000_000)}\r\n`, 431],
  ["2,000 headers", `host: HOST\r\n${MANY}`, 431],
];

Deno.test("hostile headers: the credential and the path stay the gateway's", async (t) => {
  await using bench = await startHostileBench();
  for (const [what, headers, refused] of HEADERS) {
    await t.step(what, async () => {
      const { status } = await bench.send(`GET ${TARGET} HTTP/1.1\r\n${headers}\r\n`);
      const seen = bench.takeSeen();
      if (refused === undefined) {
        assert.equal(status, 200);
        const [{ target, headers }] = seen as [StoreRequest];
        assert.equal(target, `${BASE}/studies`);
        assert.equal(headers.get("authorization"), CREDENTIAL);
        assert.equal(headers.get("host"), new URL(bench.store.url).host);
        for (const name of ["cookie", "forwarded", "x-forwarded-host", "upgrade", "metadata"]) {
          assert.ok(!headers.has(name), name);
        }
      } else {
        assert.equal(status, refused);
        assert.deepEqual(seen, []);
      }
      await bench.assertUnharmed();
    });
  }
});

Deno.test("hostile headers: clients that break their bodies do not open the breaker for others", async () => {
  await using bench = await startHostileBench(({ store }) => ({
    guarded: {
      Url: store + BASE,
      ProviderType: "headers",
      Headers: { Authorization: CREDENTIAL },
      StoreResilience: { CircuitBreakerEnabled: true, CircuitBreakerFailureThreshold: 2 },
    },
  }));
  for (let count = 0; count < 5; count++) {
    const { status, code } = await bench.send(
      "POST /dicom-web/guarded/studies HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    );
    assert.deepEqual([status, code], [400, "NET-005"]);
  }
  const { status } = await bench.send(
    "GET /dicom-web/guarded/studies HTTP/1.1\r\nhost: HOST\r\n\r\n",
  );
  assert.equal(status, 200);
});
