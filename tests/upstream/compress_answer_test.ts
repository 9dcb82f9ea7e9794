/**
 * Which responses are compressed for the client, and what their headers say.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gunzipSync, gzipSync } from "node:zlib";
import { forward, withStore } from "./store_harness.ts";

const JSON_TYPE = "application/dicom+json";
const LONG = JSON.stringify(Array.from({ length: 100 }, (_, count) => ({ count, text: "x" })));
const METADATA = "/studies/1.2.3/metadata";

interface Row {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly request?: Record<string, string>;
  readonly isCoded: boolean;
}

const ROWS: Record<string, Row> = {
  "DICOM JSON": { isCoded: true },
  "JSON with a parameter": { headers: { "content-type": "Application/JSON; a=b" }, isCoded: true },
  "XML": { headers: { "content-type": "application/dicom+xml" }, isCoded: true },
  "HTML": { headers: { "content-type": "text/html" }, isCoded: true },
  "an error in JSON": { status: 404, isCoded: true },
  "fewer than 1024 bytes": { body: "[]".padEnd(1023), isCoded: false },
  "fewer, without coding refused": {
    body: "[]".padEnd(1023),
    request: { "accept-encoding": "gzip, identity;q=0" },
    isCoded: true,
  },
  "1024 bytes": { body: "[]".padEnd(1024), isCoded: true },
  "an instance": { headers: { "content-type": "application/dicom" }, isCoded: false },
  "multipart with JSON": {
    headers: { "content-type": 'multipart/related; type="application/dicom+json"; boundary=b' },
    isCoded: false,
  },
  "pixels": { headers: { "content-type": "image/jpeg" }, isCoded: false },
  "a part": {
    status: 206,
    headers: { "content-range": `bytes 0-${LONG.length - 1}/9999` },
    isCoded: false,
  },
  "what the store forbids to transform": {
    headers: { "cache-control": "max-age=5, No-Transform" },
    isCoded: false,
  },
  "what the client forbids to transform": {
    request: { "cache-control": "no-transform" },
    isCoded: false,
  },
  "what the store has coded otherwise": {
    headers: { "content-encoding": "deflate" },
    isCoded: false,
  },
  "gzip refused": { request: { "accept-encoding": "gzip;q=0, br" }, isCoded: false },
  "no coding preferred": { request: { "accept-encoding": "identity, gzip;q=0.5" }, isCoded: false },
};

for (
  const [what, { status = 200, headers, body = LONG, request, isCoded }] of Object.entries(ROWS)
) {
  Deno.test(`A store's answer is ${isCoded ? "" : "not "}compressed: ${what}`, () =>
    withStore(
      () =>
        new Response(body, {
          status,
          headers: {
            "content-type": JSON_TYPE,
            "content-length": String(body.length),
            "content-digest": "sha-256=:AAAA:",
            etag: '"1"',
            ...headers,
          },
        }),
      async (store) => {
        const init = { headers: { "accept-encoding": "gzip", ...request } };
        const answer = await forward(store, METADATA, init);
        const bytes = await answer.bytes();
        const given = (name: string) => answer.headers.get(name);
        assert.equal(answer.status, status);
        assert.equal(given("content-encoding") === "gzip", isCoded);
        assert.equal(
          isCoded ? gunzipSync(bytes).toString() : new TextDecoder().decode(bytes),
          body,
        );
        // Those of errors are removed.
        if (status < 400) assert.equal(given("etag"), isCoded ? 'W/"1"' : '"1"');
        assert.equal(given("content-digest"), isCoded ? null : "sha-256=:AAAA:");
        assert.equal(given("content-length"), isCoded ? null : String(body.length));
        assert.match(given("vary")!, /Accept-Encoding/);
        if (init.headers["cache-control" as never] !== undefined) {
          // Else the runtime compresses it.
          assert.match(given("cache-control")!, /no-transform/);
        }
      },
      { compression: false },
    ));
}

Deno.test("A client that does not ask for gzip gets the store's bytes", () =>
  withStore(
    () => new Response(LONG, { headers: { "content-type": JSON_TYPE } }),
    async (store) => {
      const answer = await forward(store, METADATA);
      assert.equal(answer.headers.get("content-encoding"), null);
      assert.equal(await answer.text(), LONG);
    },
  ));

Deno.test("HEAD has the headers that GET has", () =>
  withStore(
    ({ method }) =>
      new Response(method === "HEAD" ? null : LONG, {
        headers: { "content-type": JSON_TYPE, etag: '"1"', "content-length": String(LONG.length) },
      }),
    async (store) => {
      const answered = async (method: string) => {
        const init = { method, headers: { "accept-encoding": "gzip" } };
        const answer = await forward(store, METADATA, init);
        await answer.body?.cancel();
        const { date: _, ...headers } = Object.fromEntries(answer.headers);
        return headers;
      };
      const get = await answered("GET");
      assert.equal(get["content-encoding"], "gzip");
      assert.deepEqual(await answered("HEAD"), get);
    },
  ));

/** A store that compresses, at another level than the gateway. */
const gzipped = gzipSync(LONG, { level: 1 });
const compressing = (headers: Record<string, string> = {}) => () =>
  new Response(new Uint8Array(gzipped), {
    headers: {
      "content-type": JSON_TYPE,
      "content-encoding": "gzip",
      "content-length": String(gzipped.length),
      etag: '"1"',
      ...headers,
    },
  });

Deno.test("What the store has compressed passes byte for byte, if nothing in it is read", () =>
  withStore(compressing(), async (store) => {
    const answer = await forward(store, METADATA, { headers: { "accept-encoding": "gzip" } });
    assert.equal(answer.headers.get("content-encoding"), "gzip");
    assert.equal(answer.headers.get("etag"), 'W/"1"');
    assert.deepEqual(Buffer.from(await answer.bytes()), gzipped);
  }));

Deno.test("What the store has compressed is decoded for a client that does not accept it", () =>
  withStore(compressing(), async (store) => {
    const answer = await forward(store, METADATA, { headers: { "accept-encoding": "br" } });
    assert.equal(answer.headers.get("content-encoding"), null);
    assert.equal(await answer.text(), LONG);
  }));

Deno.test("An empty body that the store labels as gzip is empty for the client", () =>
  withStore(
    () =>
      new Response(new ReadableStream({ start: (controller) => controller.close() }), {
        headers: { "content-type": JSON_TYPE, "content-encoding": "gzip" },
      }),
    async (store) => {
      const answer = await forward(store, METADATA, { headers: { "accept-encoding": "gzip" } });
      assert.equal(gunzipSync(await answer.bytes()).length, 0);
    },
  ));
