import assert from "node:assert/strict";
import { GatewayError } from "../../src/errors/gateway_error.ts";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { HttpClient } from "../../src/network/http_client.ts";

async function failure(promise: Promise<unknown>): Promise<GatewayError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "it did not fail" });
}

function serve(handler: (request: Request) => Response | Promise<Response>) {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
}

Deno.test("HttpClient: a host that is not on the allowlist is refused before anything is sent", async () => {
  let requests = 0;
  const server = serve(() => {
    requests++;
    return new Response();
  });
  const http = new HttpClient({ allowlist: new Set(["127.0.0.1:1"]) });
  for (const at of ["", "@evil.example", ":x@127.0.0.1:1"]) {
    const url = `http://user${at}@127.0.0.1:${server.addr.port}/`;
    const error = await failure(http.send(url));
    assert.equal(error.code, "NET-008");
  }
  assert.equal(requests, 0);
  http.close();
  await server.shutdown();
});

Deno.test("HttpClient: a redirect is returned, not followed", async () => {
  const server = serve(() =>
    new Response(null, { status: 302, headers: { location: "/elsewhere" } })
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  const response = await http.send(url);
  assert.equal(response.status, 302);
  assert.equal(response.headers.get("location"), "/elsewhere");
  await response.body?.cancel();
  http.close();
  await server.shutdown();
});

Deno.test("HttpClient: a refused connection is NET-002, and the message has no path of the URL", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const http = new HttpClient({ allowlist: new Set([`127.0.0.1:${port}`]) });
  const error = await failure(
    http.send(`http://127.0.0.1:${port}/studies?PatientName=Miller`),
  );
  assert.equal(error.code, "NET-002");
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.doesNotMatch(error.message, /Miller|studies/);
  http.close();
});

Deno.test("HttpClient: a name that does not resolve is NET-002", async () => {
  const http = new HttpClient({ allowlist: new Set(["no-such-host.invalid:80"]) });
  const error = await failure(http.send("http://no-such-host.invalid/?PatientName=Miller"));
  assert.equal(error.code, "NET-002");
  assert.doesNotMatch(error.message, /Miller/);
  http.close();
});

Deno.test("HttpClient: plain HTTP where TLS is expected is NET-003", async () => {
  const server = serve(() => new Response());
  const url = `https://127.0.0.1:${server.addr.port}/`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  const error = await failure(http.send(url));
  assert.equal(error.code, "NET-003");
  http.close();
  await server.shutdown();
});

Deno.test("HttpClient: a signal that aborts ends the request with its reason", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  const server = serve(async () => {
    await release;
    return new Response();
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const http = new HttpClient({ allowlist: new Set([hostAndPort(url)]) });
  const controller = new AbortController();
  const answer = http.send(url, { signal: controller.signal });
  const reason = new GatewayError("NET-001", "Timeout while waiting");
  controller.abort(reason);
  assert.equal(await failure(answer), reason);
  resolve();
  http.close();
  await server.shutdown();
});
