/**
 * The client for requests without a body: connecting, keeping connections alive, decoding, truncated bodies.
 */
import assert from "node:assert/strict";
import { joinBytes } from "../../../src/dicomweb/bytes.ts";
import { hostAndPort } from "../../../src/config/values/host_names.ts";
import type { GatewayError } from "../../../src/errors/gateway_error.ts";
import { HttpClient, type HttpClientOptions } from "../../../src/network/http_client.ts";
import { CertificateAuthority, OPENSSL } from "../../fixtures/certificate_authority.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { within } from "../../fixtures/deadline.ts";
import { startEgressProxy, TINYPROXY } from "../../fixtures/egress_proxy.ts";
import { needing } from "../../fixtures/installed_tool.ts";
import { type RawExchange, startRawOrigin } from "../../fixtures/raw_origin.ts";

const LIMIT_MS = 10_000;

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return await new Response(stream).bytes();
}

async function withOrigin(
  play: (exchange: RawExchange) => Promise<void>,
  use: (http: HttpClient, url: string, origin: ReturnType<typeof startRawOrigin>) => Promise<void>,
  options: Partial<HttpClientOptions> = {},
): Promise<void> {
  const origin = startRawOrigin(play);
  const http = new HttpClient({ ...options, allowlist: new Set([hostAndPort(origin.url)]) });
  try {
    await within(LIMIT_MS, "the test", use(http, origin.url, origin));
  } finally {
    http.close();
    await origin.close();
  }
}

/** A response, and its body; undefined if it fails. */
const BODIES: [name: string, answer: string, body: string | undefined][] = [
  ["a length", "Content-Length: 2\r\n\r\n[]", "[]"],
  ["too little", "Content-Length: 20\r\n\r\n[]!", undefined],
  ["chunks", "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n", "[]"],
  [
    "extensions and trailers",
    "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n[]\r\n0\r\nX: y\r\n\r\n",
    "[]",
  ],
  ["no last chunk", "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n!", undefined],
  ["no end of trailers", "Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n!", undefined],
  [
    "a chunk that is too long",
    "Transfer-Encoding: chunked\r\n\r\n2\r\n[]]\r\n0\r\n\r\n",
    undefined,
  ],
  [
    "a chunk that is too short",
    "Transfer-Encoding: chunked\r\n\r\n3\r\n[]\r\n0\r\n\r\n",
    undefined,
  ],
  ["a size that is none", "Transfer-Encoding: chunked\r\n\r\n-2\r\n[]\r\n0\r\n\r\n", undefined],
  ["a size in octal", "Transfer-Encoding: chunked\r\n\r\n0x2\r\n[]\r\n0\r\n\r\n", undefined],
  [
    "a size beyond all numbers",
    `Transfer-Encoding: chunked\r\n\r\n${"f".repeat(20)}\r\n[]\r\n0\r\n\r\n`,
    undefined,
  ],
  ["an endless line", `Transfer-Encoding: chunked\r\n\r\n2;${"a".repeat(20_000)}`, undefined],
  ["no framing", "\r\n[]!", "[]"],
];

for (const [name, answer, body] of BODIES) {
  Deno.test(`Http1Client: a body with ${name} ${body === undefined ? "fails" : "is whole"}`, () =>
    withOrigin(async (exchange) => {
      const endsThere = answer.endsWith("!");
      await exchange.write(`HTTP/1.1 200 OK\r\n${endsThere ? answer.slice(0, -1) : answer}`);
      if (endsThere) exchange.close();
    }, async (http, url) => {
      const text = async () => await (await http.send(url)).text();
      if (body === undefined) await assert.rejects(text);
      else assert.equal(await text(), body);
    }));
}

Deno.test("Http1Client: a body that arrives byte by byte is complete, and so is the next one on its connection", () =>
  withOrigin(async (exchange) => {
    const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n";
    for (const byte of answer) await exchange.write(byte);
  }, async (http, url, origin) => {
    for (let i = 0; i < 3; i++) assert.equal(await (await http.send(url)).text(), "[]");
    assert.equal(origin.connections, 1);
  }));

Deno.test("Http1Client: bytes behind a response are no response to the next request", () =>
  withOrigin(async (exchange) => {
    const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";
    await exchange.write(`${answer}[]${answer}{}`);
  }, async (http, url, origin) => {
    for (let i = 0; i < 3; i++) assert.equal(await (await http.send(url)).text(), "[]");
    assert.equal(origin.connections, 3);
  }));

Deno.test("Http1Client: bytes on an idle connection are no response to a later request", () => {
  let said = Promise.withResolvers<void>();
  let idle = Promise.withResolvers<void>();
  return withOrigin(async (exchange) => {
    await exchange.answer(200, "[]");
    await idle.promise;
    await exchange.answer(408, "late");
    said.resolve();
  }, async (http, url) => {
    for (let i = 0; i < 3; i++) {
      const { status } = await http.send(url);
      assert.equal(status, 200);
      idle.resolve();
      await said.promise;
      // It has been sent, and has to arrive.
      await new Promise((resolve) => setTimeout(resolve, 50));
      said = Promise.withResolvers();
      idle = Promise.withResolvers();
    }
  });
});

/** Idle time, method, and whether the connection is used again. */
const IDLE_TIMES: [idleMs: number, method: string, isReused: boolean][] = [
  [29_000, "GET", true],
  [31_000, "GET", false],
  [900, "DELETE", true],
  [1_100, "DELETE", false],
  [1_100, "PUT", false],
];

for (const [idleMs, method, isReused] of IDLE_TIMES) {
  const use = isReused ? "uses a connection again" : "opens a new connection";
  Deno.test(`Http1Client ${use} for a ${method} after ${idleMs} ms`, () => {
    const clock = new FakeClock();
    return withOrigin((exchange) => exchange.answer(200, "[]"), async (http, url, origin) => {
      await (await http.send(url)).text();
      await clock.advance(idleMs);
      await (await http.send(url, { method })).text();
      assert.equal(origin.connections, isReused ? 1 : 2);
    }, { clock, keepAliveMs: 30_000 });
  });
}

Deno.test("Http1Client sends a read again if a connection that was idle does not respond", async (t) => {
  for (const [idleMs, isRepeated] of [[20_000, true], [1_000, false]] as const) {
    await t.step(`idle for ${idleMs} ms`, async () => {
      const clock = new FakeClock();
      let forgets = false;
      const arrived = Promise.withResolvers<void>();
      await withOrigin(async (exchange) => {
        if (!forgets) return await exchange.answer(200, "[]");
        forgets = false;
        arrived.resolve();
        await exchange.untilGone();
      }, async (http, url, origin) => {
        const both = [http.send(url), http.send(url)];
        for (const each of both) await (await each).text();
        assert.equal(origin.connections, 2);
        await clock.advance(idleMs);
        forgets = true;
        const stop = new AbortController();
        const sending = http.send(url, { signal: stop.signal });
        await arrived.promise;
        await clock.advance(4_900);
        assert.equal(origin.exchanges, 3, "it waited too short");
        await clock.advance(200);
        if (isRepeated) {
          assert.equal(await (await sending).text(), "[]");
          assert.equal(origin.connections, 3, "the other connection was idle for as long");
        } else {
          assert.equal(origin.exchanges, 3);
          stop.abort(new Error("stopped"));
          await assert.rejects(sending, { message: "stopped" });
        }
      }, { clock, keepAliveMs: 30_000 });
    });
  }
});

Deno.test("Http1Client: after an idle connection failed, a retry uses a new one", () => {
  let isRestarted = false;
  return withOrigin(async (exchange) => {
    // A firewall hides the restart: each former connection fails at its next request.
    if (isRestarted) return exchange.close();
    await exchange.answer(200, "[]");
  }, async (http, url, origin) => {
    const both = [http.send(url), http.send(url)];
    for (const each of both) await (await each).text();
    assert.equal(origin.connections, 2);
    isRestarted = true;
    await assert.rejects(http.send(url), { code: "NET-002" });
    isRestarted = false;
    assert.equal(await (await http.send(url)).text(), "[]");
    assert.equal(origin.connections, 3);
  });
});

Deno.test("HttpClient sends no body on a connection that was idle for two seconds", () =>
  withOrigin(async (exchange) => {
    for await (const _ of exchange.body()) { /* dropped */ }
    await exchange.answer(200, "[]");
  }, async (http, url, origin) => {
    const upload = async () => {
      await (await http.send(url, { method: "POST", body: "body" })).text();
      return origin.connections;
    };
    assert.deepEqual([await upload(), await upload()], [1, 1]);
    // The runtime's clock.
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    assert.equal(await upload(), 2);
  }));

Deno.test("Http1Client skips interim responses, and rejects a switch of protocols", () =>
  withOrigin(async (exchange) => {
    await exchange.write("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 102 Wait\r\n\r\n");
    await exchange.answer(200, "[]");
  }, async (http, url, origin) => {
    assert.equal(await (await http.send(url)).text(), "[]");
    origin.play((exchange) => exchange.write("HTTP/1.1 101 Switching\r\nupgrade: x\r\n\r\n"));
    await assert.rejects(http.send(url), { code: "NET-002", message: /status 101/ });
  }));

for (const method of ["GET", "POST"]) {
  Deno.test(`HttpClient: a ${method} whose connection is closed in the TLS handshake reached no host`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = (async () => {
      for await (const connection of listener) {
        await connection.read(new Uint8Array(4096));
        connection.close();
      }
    })();
    const host = `127.0.0.1:${listener.addr.port}`;
    const http = new HttpClient({ allowlist: new Set([host]) });
    const init = method === "POST" ? { method, body: "x" } : { method };
    await assert.rejects(http.send(`https://${host}/`, init), (error: GatewayError) => {
      assert.equal(error.code, "NET-002");
      assert.match(error.message, /it closed the connection during the TLS handshake$/);
      assert.match(error.troubleshooting[0] ?? "", /firewall or proxy/);
      return true;
    });
    http.close();
    listener.close();
    await served;
  });
}

Deno.test("Http1Client: a head without end fails", () =>
  withOrigin(async (exchange) => {
    await exchange.write("HTTP/1.1 200 OK\r\n");
    for (let i = 0; i < 10_000; i++) await exchange.write(`x-${i}: ${"y".repeat(1000)}\r\n`);
  }, async (http, url) => {
    await assert.rejects(http.send(url), { code: "NET-002" });
  }));

for (const coding of ["gzip", "x-gzip"]) {
  Deno.test(`Http1Client decodes ${coding} and drops what was said of the coded body`, () =>
    withOrigin(async (exchange) => {
      assert.equal(exchange.headers.get("accept-encoding"), "gzip");
      const body = await gzip("[]".repeat(100_000));
      await exchange.writeHead(200, {
        "content-encoding": coding,
        "content-length": String(body.length),
      });
      await exchange.write(body);
    }, async (http, url) => {
      const response = await http.send(url);
      assert.equal(await response.text(), "[]".repeat(100_000));
      assert.equal(response.headers.get("content-encoding"), null);
      assert.equal(response.headers.get("content-length"), null);
    }));
}

for (
  const [what, rest, text] of [
    ["of several members", await gzip("[2]"), "[1][2]"],
    ["followed by zeros", new Uint8Array(3), "[1]"],
  ] as const
) {
  Deno.test(`Http1Client decodes gzip ${what}`, () =>
    withOrigin(async (exchange) => {
      const body = joinBytes([await gzip("[1]"), rest]);
      await exchange.writeHead(200, {
        "content-encoding": "gzip",
        "content-length": String(body.length),
      });
      await exchange.write(body);
    }, async (http, url) => {
      assert.equal(await (await http.send(url)).text(), text);
    }));
}

for (
  const [what, framing, length] of [
    ["a length of 0", { "content-length": "0" }, "0"],
    ["no chunk", { "transfer-encoding": "chunked" }, null],
    ["the end of the connection", { "connection": "close" }, null],
  ] as const
) {
  Deno.test(`Http1Client: an empty body said to be gzip is empty, framed by ${what}`, () =>
    withOrigin(async (exchange) => {
      const headers: Record<string, string> = { "content-encoding": "gzip", ...framing };
      await exchange.writeHead(404, headers);
      if ("transfer-encoding" in headers) await exchange.write("0\r\n\r\n");
      if ("connection" in headers) exchange.close();
    }, async (http, url) => {
      const response = await http.send(url);
      assert.equal(response.headers.get("content-length"), length);
      assert.equal(response.headers.get("content-encoding"), null);
      assert.equal(await response.text(), "");
    }));
}

Deno.test("Http1Client: a coded body that ends with its connection before its first byte fails", () =>
  withOrigin(async (exchange) => {
    await exchange.writeHead(200, { "content-encoding": "gzip", "connection": "close" });
    exchange.close();
  }, async (http, url) => {
    const response = await http.send(url);
    await assert.rejects(response.text());
  }));

Deno.test("Http1Client passes a body on that was coded twice, with both codings", () =>
  withOrigin(async (exchange) => {
    await exchange.write(
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n" +
        "Content-Length: 2\r\n\r\n[]",
    );
  }, async (http, url) => {
    const response = await http.send(url);
    assert.equal(response.headers.get("content-encoding"), "gzip, gzip");
    assert.equal(await response.text(), "[]");
  }));

Deno.test("Http1Client: an error says that a body labelled gzip is none", () =>
  withOrigin(async (exchange) => {
    await exchange.writeHead(200, { "content-encoding": "gzip", "content-length": "2" });
    await exchange.write("[]");
  }, async (http, url) => {
    const response = await http.send(url);
    await assert.rejects(response.text(), { code: "NET-002", message: /is gzip, and its bytes/ });
  }));

Deno.test("Http1Client: a coded body that is cut off fails", () =>
  withOrigin(async (exchange) => {
    const body = await gzip(crypto.randomUUID().repeat(1000));
    await exchange.writeHead(200, {
      "content-encoding": "gzip",
      "content-length": String(body.length - 4),
    });
    await exchange.write(body.subarray(0, -4));
  }, async (http, url) => {
    const response = await http.send(url);
    await assert.rejects(response.text());
  }));

Deno.test("Http1Client yields to others while a body decodes to a thousand times its size", () =>
  withOrigin(async (exchange) => {
    const body = await gzip("\0".repeat(64 * 1024 * 1024));
    await exchange.writeHead(200, {
      "content-encoding": "gzip",
      "content-length": String(body.length),
    });
    await exchange.write(body);
  }, async (http, url) => {
    let turns = 0;
    const timer = setInterval(() => turns++);
    let bytes = 0;
    for await (const piece of (await http.send(url)).body!) bytes += piece.length;
    clearInterval(timer);
    assert.equal(bytes, 64 * 1024 * 1024);
    assert(turns > 20, `${turns} turns`);
  }));

Deno.test("Http1Client requests ranges without a content coding", () =>
  withOrigin(async (exchange) => {
    await exchange.answer(206, exchange.headers.get("accept-encoding") ?? "");
  }, async (http, url) => {
    const headers = { range: "bytes=0-1" };
    assert.equal(await (await http.send(url, { headers })).text(), "identity");
  }));

Deno.test("Http1Client: a request cannot set headers of the connection", () =>
  withOrigin(async (exchange) => {
    const { headers } = exchange;
    await exchange.answer(
      200,
      JSON.stringify([
        headers.get("host"),
        headers.get("connection"),
        headers.get("transfer-encoding"),
        headers.get("content-length"),
      ]),
    );
  }, async (http, url) => {
    const headers = {
      host: "evil.example",
      connection: "close",
      "transfer-encoding": "chunked",
      "content-length": "5",
    };
    const response = await http.send(url, { headers });
    assert.deepEqual(await response.json(), [new URL(url).host, null, null, null]);
  }));

Deno.test("Http1Client: an abort fails the wait for an answer and the body, with its reason", () =>
  withOrigin((exchange) => exchange.untilGone(), async (http, url, origin) => {
    const waiting = new AbortController();
    const response = http.send(url, { signal: waiting.signal });
    const reason = new Error("given up");
    setTimeout(() => waiting.abort(reason), 20);
    await assert.rejects(response, reason);
    origin.play(async (exchange) => {
      await exchange.writeHead(200, { "content-length": "10" });
      await exchange.write("[");
      await exchange.untilGone();
    });
    const reading = new AbortController();
    const { body } = await http.send(url, { signal: reading.signal });
    setTimeout(() => reading.abort(reason), 20);
    await assert.rejects(new Response(body).text(), reason);
  }));

Deno.test("Http1Client: a cancelled body closes its connection", () =>
  withOrigin(async (exchange) => {
    await exchange.writeHead(200, { "content-length": "10000000" });
    await exchange.untilGone();
  }, async (http, url, origin) => {
    await (await http.send(url)).body!.cancel();
    origin.play((exchange) => exchange.answer(200, "[]"));
    assert.equal(await (await http.send(url)).text(), "[]");
    assert.equal(origin.connections, 2);
  }));

Deno.test(needing(OPENSSL, {
  name: "Http1Client: a chunk over TLS occupies no more memory than a TLS record",
  async fn() {
    await using authorities = await CertificateAuthority.create();
    const { certificatePem: cert, keyPem: key } = await authorities.issue({
      commonName: "store",
      purpose: "server",
    });
    const sent = crypto.getRandomValues(new Uint8Array(60_000));
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {}, cert, key },
      () => new Response(new Blob(Array<Uint8Array<ArrayBuffer>>(20).fill(sent))),
    );
    const url = `https://127.0.0.1:${server.addr.port}/`;
    const http = new HttpClient({
      allowlist: new Set([hostAndPort(url)]),
      caCertificatesPem: [authorities.certificatePem],
    });
    let received = 0;
    for await (const chunk of (await http.send(url)).body!) {
      // A view of a larger buffer keeps all of it in memory.
      assert(chunk.buffer.byteLength <= 16 * 1024, `${chunk.buffer.byteLength} bytes`);
      for (const byte of chunk) {
        if (byte !== sent[received++ % sent.length]) assert.fail(`byte ${received - 1} differs`);
      }
    }
    assert.equal(received, 20 * sent.length);
    http.close();
    await server.shutdown();
  },
}));

Deno.test("Http1Client tries the other addresses of a name if the first does not respond", async () => {
  // "localhost" is ::1 first on most machines, where nothing listens.
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("[]"),
  );
  const url = `http://localhost:${server.addr.port}/`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  assert.equal(await (await http.send(url)).text(), "[]");
  http.close();
  await server.shutdown();
});

async function throughProxy(
  { tls, login, certificate }: { tls: boolean; login: boolean; certificate: boolean },
): Promise<void> {
  await using authorities = await CertificateAuthority.create();
  const { certificatePem: cert, keyPem: key } = await authorities.issue({
    commonName: "store",
    purpose: "server",
  });
  const user = { user: "gateway", password: "päss" };
  await using proxy = await startEgressProxy(login ? { login: { ...user, password: "pass" } } : {});
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {}, ...(tls && { cert, key }) },
    (request) => new Response(`${request.method} ${new URL(request.url).pathname}`),
  );
  const url = `${tls ? "https" : "http"}://127.0.0.1:${server.addr.port}/studies`;
  const options: HttpClientOptions = {
    allowlist: new Set([hostAndPort(url)]),
    caCertificatesPem: [authorities.certificatePem],
    proxy: { url: proxy.url, ...(login && { username: "gateway", password: "pass" }) },
    ...(certificate && { clientCertificate: await authorities.issue({ commonName: "gateway" }) }),
  };
  const http = new HttpClient(options);
  for (const method of ["GET", "DELETE", "GET"]) {
    const response = await within(LIMIT_MS, "a response", http.send(url, { method }));
    assert.equal(await response.text(), `${method} /studies`);
  }
  http.close();
  await server.shutdown();
  const tunnels = (await proxy.tunnels()).length;
  assert.equal(tunnels > 0, tls);
}

for (const tls of [false, true]) {
  for (const login of [false, true]) {
    for (const certificate of tls ? [false, true] : [false]) {
      const what = [
        tls ? "TLS" : "plain HTTP",
        ...(login ? ["a login"] : []),
        ...(certificate ? ["a client certificate"] : []),
      ].join(", ");
      Deno.test(needing(
        OPENSSL,
        needing(TINYPROXY, {
          name: `Http1Client reaches a store through a proxy: ${what}`,
          fn: () => throughProxy({ tls, login, certificate }),
        }),
      ));
    }
  }
}
