import assert from "node:assert/strict";
import { hostAndPort } from "../../src/config/values/host_names.ts";
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
