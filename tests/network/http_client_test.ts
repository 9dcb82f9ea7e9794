import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";

async function withServer(
  handler: (request: Request) => Response | Promise<Response>,
  use: (http: HttpClient, url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  await use(http, url);
  http.close();
  await server.shutdown();
}

Deno.test("HttpClient: a host that is not on the allowlist is refused before anything is sent", async () => {
  let requests = 0;
  await withServer(() => {
    requests++;
    return new Response();
  }, async (_, url) => {
    const http = new HttpClient({ allowlist: new Set(["127.0.0.1:1"]) });
    for (const at of ["", "@evil.example", ":x@127.0.0.1:1"]) {
      const hostile = url.replace("//", `//user${at}@`);
      await assert.rejects(http.send(hostile), { code: "NET-008" });
    }
    http.close();
  });
  assert.equal(requests, 0);
});

Deno.test("HttpClient: a redirect is returned, not followed", () =>
  withServer(
    () => new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
    async (http, url) => {
      const response = await http.send(url);
      assert.equal(response.status, 302);
      assert.equal(response.headers.get("location"), "/elsewhere");
      await response.body?.cancel();
    },
  ));

Deno.test("HttpClient: a refused connection is NET-002, and the message has no path of the URL", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const http = new HttpClient({ allowlist: new Set([`127.0.0.1:${port}`]) });
  await assert.rejects(http.send(`http://127.0.0.1:${port}/studies?PatientName=Miller`), {
    code: "NET-002",
    message: new RegExp(`^(?!.*(?:Miller|studies)).*127\\.0\\.0\\.1:${port}`),
  });
  http.close();
});

Deno.test("HttpClient: a name that does not resolve is NET-002", async () => {
  const http = new HttpClient({ allowlist: new Set(["no-such-host.invalid:80"]) });
  await assert.rejects(http.send("http://no-such-host.invalid/?PatientName=Miller"), {
    code: "NET-002",
    message: /^(?!.*Miller)/,
  });
  http.close();
});

Deno.test("HttpClient: plain HTTP where TLS is expected is NET-003", () =>
  withServer(() => new Response(), async (http, url) => {
    await assert.rejects(http.send(url.replace("http:", "https:")), { code: "NET-003" });
  }));

Deno.test("HttpClient: a signal that aborts ends the request with its reason", () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  return withServer(async () => {
    await release;
    return new Response();
  }, async (http, url) => {
    const controller = new AbortController();
    const answer = http.send(url, { signal: controller.signal });
    const reason = new GatewayError("NET-001", "Timeout while waiting");
    controller.abort(reason);
    await assert.rejects(answer, (error) => error === reason);
    resolve();
  });
});
