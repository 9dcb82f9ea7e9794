/**
 * Every request of the HTTP client reaches the server once, wherever the connection ends: new or kept alive, with
 * a body or without. Only the caller may retry: it counts, signs anew and knows what a repetition does.
 */
import assert from "node:assert/strict";
import type { GatewayError } from "../../src/errors/gateway_error.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient, type RequestBody } from "../../src/network/http_client.ts";
import { SizedBody } from "../../src/network/sized_body.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { within } from "../fixtures/deadline.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { type RawExchange, type RawHandler, startRawOrigin } from "../fixtures/raw_origin.ts";

const LIMIT_MS = 10_000;
const BYTES = new Uint8Array(4000).fill(120);

interface Shape {
  readonly method: string;
  readonly body?: () => RequestBody;
  readonly framing: { readonly length: string | null; readonly coding: string | null };
}

const NONE = { length: null, coding: null };

/** Requests of every kind that the gateway sends. */
const SHAPES: Record<string, Shape> = {
  "search, key set, discovery, metadata (GET)": { method: "GET", framing: NONE },
  "HEAD": { method: "HEAD", framing: NONE },
  "OPTIONS": { method: "OPTIONS", framing: NONE },
  "DELETE": { method: "DELETE", framing: NONE },
  "POST without body": { method: "POST", framing: { length: "0", coding: null } },
  "session of IMDSv2 (PUT without body)": { method: "PUT", framing: { length: "0", coding: null } },
  "POST of an empty text": {
    method: "POST",
    body: () => "",
    framing: { length: "0", coding: null },
  },
  "token request, STS (POST of text)": {
    method: "POST",
    body: () => "grant_type=client_credentials&scope=ä",
    framing: { length: "38", coding: null },
  },
  "signed STOW in memory (POST of bytes)": {
    method: "POST",
    body: () => BYTES,
    framing: { length: "4000", coding: null },
  },
  "signed PUT of bytes": {
    method: "PUT",
    body: () => BYTES,
    framing: { length: "4000", coding: null },
  },
  "spooled STOW (POST of a sized stream)": {
    method: "POST",
    body: () => new SizedBody(4000, () => new Blob([BYTES]).stream()),
    framing: { length: "4000", coding: null },
  },
  "STOW as it comes (POST of a stream)": {
    method: "POST",
    body: () => new Blob([BYTES]).stream(),
    framing: { length: null, coding: "chunked" },
  },
};

async function readBody(exchange: RawExchange): Promise<void> {
  for await (const _ of exchange.body()) { /* dropped */ }
}

/** Where the server ends the connection, and whether that is a response. */
const ENDS: Record<string, { readonly play: RawHandler; readonly hasHead?: true }> = {
  "before it reads the body": { play: (exchange) => Promise.resolve(exchange.close()) },
  "after it has read all": {
    async play(exchange) {
      await readBody(exchange);
      exchange.close();
    },
  },
  "inside the status line": {
    async play(exchange) {
      await readBody(exchange);
      await exchange.write("HTTP/1.1 20");
      exchange.close();
    },
  },
  "inside the headers": {
    async play(exchange) {
      await readBody(exchange);
      await exchange.write("HTTP/1.1 200 OK\r\ncontent-type: application/dicom+json\r\ncontent-");
      exchange.close();
    },
  },
  "after an interim response": {
    async play(exchange) {
      await readBody(exchange);
      await exchange.write("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n");
      exchange.close();
    },
  },
  "inside the body": {
    hasHead: true,
    async play(exchange) {
      await readBody(exchange);
      await exchange.writeHead(200, { "content-length": "4" });
      await exchange.write("[{");
      exchange.close();
    },
  },
  "inside a chunk": {
    hasHead: true,
    async play(exchange) {
      await readBody(exchange);
      await exchange.writeHead(200, { "transfer-encoding": "chunked" });
      await exchange.write("4\r\n[{");
      exchange.close();
    },
  },
  "before the last chunk": {
    hasHead: true,
    async play(exchange) {
      await readBody(exchange);
      await exchange.writeHead(200, { "transfer-encoding": "chunked" });
      await exchange.write("4\r\n[{}]\r\n");
      exchange.close();
    },
  },
};

for (const connection of ["new", "kept"]) {
  for (const [end, { play, hasHead }] of Object.entries(ENDS)) {
    Deno.test(`HttpClient sends each request once when a ${connection} connection ends ${end}`, async (t) => {
      const origin = startRawOrigin((exchange) => exchange.answer(200, "[]"));
      const http = new HttpClient({ allowlist: new Set([hostAndPort(origin.url)]) });
      const send = async ({ method, body }: Shape) => {
        const response = await http.send(`${origin.url}/studies`, {
          method,
          ...(body && { body: body() }),
          signal: AbortSignal.timeout(LIMIT_MS),
        });
        return [response.status, await response.text()];
      };
      for (const [name, shape] of Object.entries(SHAPES)) {
        await t.step(name, async () => {
          if (connection === "kept") {
            // Both clients keep connections of their own.
            origin.play(async (exchange) => {
              await readBody(exchange);
              await exchange.answer(200, exchange.method === "HEAD" ? "" : "[]");
            });
            await send(shape);
          }
          const seen: RawExchange[] = [];
          origin.play((exchange) => {
            seen.push(exchange);
            return play(exchange);
          });
          if (hasHead && shape.method === "HEAD") await send(shape);
          else {
            await assert.rejects(
              send(shape),
              (error) => hasHead || (error as GatewayError).code === "NET-002",
            );
          }
          assert.equal(seen.length, 1);
          const { headers } = seen[0]!;
          assert.deepEqual(
            { length: headers.get("content-length"), coding: headers.get("transfer-encoding") },
            shape.framing,
          );
        });
      }
      http.close();
      await origin.close();
    });
  }
}

Deno.test("HttpClient opens a new connection if the server has closed the idle one", async (t) => {
  const origin = startRawOrigin(async (exchange) => {
    await readBody(exchange);
    await exchange.answer(200, exchange.method === "HEAD" ? "" : "[]");
  });
  const http = new HttpClient({ allowlist: new Set([hostAndPort(origin.url)]) });
  for (const [name, { method, body }] of Object.entries(SHAPES)) {
    await t.step(name, async () => {
      for (let round = 0; round < 3; round++) {
        const before = origin.exchanges;
        const init = { method, ...(body && { body: body() }) };
        const response = await within(LIMIT_MS, "a response", http.send(origin.url, init));
        assert.equal(response.status, 200);
        await response.body?.cancel();
        assert.equal(origin.exchanges - before, 1);
        origin.dropConnections();
        // The end of the connection has to arrive before the next request.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
  }
  http.close();
  await origin.close();
});

Deno.test(needing(OPENSSL, {
  name: "HttpClient sends each request once over TLS, too, when the server closes",
  async fn(t) {
    await using authorities = await CertificateAuthority.create();
    const { certificatePem: cert, keyPem: key } = await authorities.issue({
      commonName: "store",
      purpose: "server",
    });
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    let heads = 0;
    const serving = (async () => {
      for await (const conn of listener) {
        const bytes = new Uint8Array(8192);
        const count = await conn.read(bytes).catch(() => null);
        if (count !== null) heads++;
        conn.close();
      }
    })();
    const url = `https://127.0.0.1:${listener.addr.port}/`;
    for (const http2 of [false, true]) {
      const http = new HttpClient({
        allowlist: new Set([hostAndPort(url)]),
        caCertificatesPem: [authorities.certificatePem],
        http2,
      });
      for (const [name, { method, body }] of Object.entries(SHAPES)) {
        await t.step(
          `${name}${http2 ? ", where HTTP/2 is spoken if the server does" : ""}`,
          async () => {
            heads = 0;
            await assert.rejects(http.send(url, { method, ...(body && { body: body() }) }));
            assert.equal(heads, 1);
          },
        );
      }
      http.close();
    }
    listener.close();
    await serving.catch(() => {});
  },
}));
