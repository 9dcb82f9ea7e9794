import assert from "node:assert/strict";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import type { GatewayError } from "../../src/errors/gateway_error.ts";
import { HttpClient } from "../../src/network/http_client.ts";

/** A proxy that responds itself and records request lines. */
function startProxy(): { url: string; lines: string[]; close(): Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const lines: string[] = [];
  const served = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(4096);
      const read = await connection.read(buffer) ?? 0;
      lines.push(new TextDecoder().decode(buffer.subarray(0, read)).split("\r\n")[0] ?? "");
      const answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nproxy";
      await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/`,
    lines,
    async close() {
      listener.close();
      await served;
    },
  };
}

Deno.test("HttpClient: metadata services are reached without the proxy, all others through it", async () => {
  const proxy = startProxy();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("server"),
  );
  const url = `http://127.0.0.1:${server.addr.port}/metadata`;
  const other = "http://idp.example/token";
  const http = new HttpClient({
    allowlist: new Set([hostAndPort(url), hostAndPort(other)]),
    direct: new Set([hostAndPort(url)]),
    proxy: { url: proxy.url },
  });
  assert.equal(await (await http.send(url)).text(), "server");
  assert.equal(await (await http.send(other)).text(), "proxy");
  assert.equal(await (await http.send(url)).text(), "server");
  assert.deepEqual(proxy.lines, ["GET http://idp.example/token HTTP/1.1"]);
  http.close();
  await server.shutdown();
  await proxy.close();
});

/** Answer to CONNECT, whether there is a login, what the error says, what its first step says. */
const REFUSED: [answer: string, hasLogin: boolean, message: RegExp, step: RegExp][] = [
  [
    "407 Proxy Authentication Required\r\nproxy-authenticate: Negotiate\r\nproxy-authenticate: NTLM",
    true,
    /it requires Negotiate or NTLM authentication \(407\), which the gateway does not support/,
    /admit this machine by its address/,
  ],
  [
    '407 Proxy Auth\r\nproxy-authenticate: NTLM, Basic realm="a, b"',
    false,
    /it requires a user name and a password \(407\)/,
    /Set Proxy\.Username/,
  ],
  [
    "407 x\r\nproxy-authenticate: Basic",
    true,
    /it rejects the user name or the password \(407\)/,
    /Check Proxy\.Username/,
  ],
  [
    "403 Forbidden",
    true,
    /it opens no tunnel to store\.example:443(: it answered 403)?$/,
    /permit store\.example:443/,
  ],
  [
    "502 Bad Gateway",
    true,
    /it opens no tunnel to store\.example:443(: it answered 502)?$/,
    /resolve and reach store\.example:443/,
  ],
];

for (const [answer, hasLogin, message, step] of REFUSED) {
  const name = answer.replaceAll("\r\n", " ");
  Deno.test(`HttpClient names the proxy and the reason when it answers ${name} ${hasLogin ? "to a login" : "without a login"}`, async () => {
    await using proxy = answeringProxy(`HTTP/1.1 ${answer}\r\ncontent-length: 0\r\n\r\n`);
    const http = new HttpClient({
      allowlist: new Set(["store.example:443", "store.example:80"]),
      proxy: { url: proxy.url, ...(hasLogin && { username: "u", password: "p" }) },
    });
    const requests: [url: string, init: { method: string; body?: string }][] = [
      ["https://store.example/", { method: "GET" }],
      ["https://store.example/", { method: "POST", body: "x" }],
    ];
    if (answer.startsWith("407")) requests.push(["http://store.example/", { method: "GET" }]);
    for (const [url, init] of requests) {
      // The runtime's own client does not say which schemes a proxy offers.
      const isVague = init.body !== undefined && /NTLM$/.test(answer);
      await assert.rejects(http.send(url, init), (error: GatewayError) => {
        assert.equal(error.code, "NET-002");
        assert.ok(error.message.includes(` through the proxy ${new URL(proxy.url).host}: `));
        if (isVague) return true;
        assert.match(error.message, message);
        assert.match(error.troubleshooting[0]!, step);
        return true;
      });
    }
    http.close();
  });
}

/** Answers every connection with the same bytes, and closes. */
function answeringProxy(answer: string): { url: string } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(answer));
      connection.close();
    }
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
    },
  };
}
