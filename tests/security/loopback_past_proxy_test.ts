/**
 * What is sent to this machine without TLS passes no proxy: it would read the client secret, tokens and
 * images, and could answer in the place of the key set by which clients' tokens are checked.
 */
import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";
import { makeIssuerKey, signToken, startKeyServer } from "../fixtures/jwt_issuer.ts";

Deno.test("The proxy never sees what is addressed to loopback: token, key set, search, STOW", async () => {
  const seen: string[] = [];
  await using proxy = serve((request) => {
    seen.push(`${request.method} ${request.url}`);
    return new Response("proxy");
  });
  const asked: string[] = [];
  const key = await makeIssuerKey("RS256", "key");
  await using issuer = startKeyServer(key);
  await using local = serve((request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${request.method} ${pathname}`);
    if (pathname === "/token") {
      return Response.json({ access_token: "token", token_type: "Bearer", expires_in: 300 });
    }
    return new Response("local");
  });
  await using gateway = await startGateway({
    Proxy: { Url: proxy.url },
    Authentication: {
      Jwt: { local: { Issuer: issuer.url, Audience: "gateway" } },
    },
    Servers: {
      main: {
        Url: `${local.url}/dicom-web`,
        TokenEndpoint: `${local.url}/token`,
        ClientId: "gateway",
        ClientSecret: "a secret of some length",
      },
      far: { Url: "http://store.test/dicom-web", ProviderType: "none" },
    },
  });
  const claims = { iss: issuer.url, aud: "gateway", sub: "client", exp: Date.now() / 1000 + 300 };
  const authorization = `Bearer ${await signToken(key, claims)}`;
  const ask = async (server: string, init: RequestInit = {}) => {
    const url = `${gateway.url}/dicom-web/${server}/studies`;
    return await (await fetch(url, { ...init, headers: { authorization } })).text();
  };
  assert.equal(await ask("main"), "local");
  await ask("main", { method: "POST", body: "image" });
  assert.deepEqual(seen, []);
  assert.deepEqual(asked.toSorted(), [
    "GET /dicom-web/studies",
    "POST /dicom-web/studies",
    "POST /token",
  ]);
  assert.ok(issuer.requests.includes("/keys"));
  assert.equal(await ask("far"), "proxy");
  assert.deepEqual(seen, ["GET http://store.test/dicom-web/studies"]);
});

function serve(handler: Deno.ServeHandler): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
