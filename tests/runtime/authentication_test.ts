/**
 * Authentication of clients, on running gateways with two workers.
 */
import assert from "node:assert/strict";
import { makeApiKey } from "../../src/credentials/inbound/api_keys.ts";
import { hashPassword } from "../../src/credentials/inbound/password.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { makeIssuerKey, signToken, startKeyServer } from "../fixtures/jwt_issuer.ts";

Deno.test("Running gateway: password, key and token are accepted, none is forwarded, and failures count for all workers", async () => {
  const received: Headers[] = [];
  const stop = new AbortController();
  const store = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => {} },
    (request) => {
      received.push(request.headers);
      return Response.json([]);
    },
  );
  const issuerKey = await makeIssuerKey("ES256", "k1");
  await using issuer = startKeyServer(issuerKey);
  const { key, hash } = makeApiKey();
  await using gateway = await startGateway({
    Workers: 2,
    Authentication: {
      Basic: { Users: { orthanc: await hashPassword("correct horse") } },
      ApiKeys: { Header: "X-Viewer-Key", Keys: { viewer: hash } },
      Jwt: { idp: { Issuer: issuer.url, Audience: "gateway", Algorithms: ["ES256"] } },
    },
    Servers: { main: { ProviderType: "none", Url: `http://127.0.0.1:${store.addr.port}` } },
  });
  // A connection of its own for each, so that both workers get some.
  const status = async (headers: Record<string, string>, path = "/dicom-web/main/studies") => {
    const response = await fetch(gateway.url + path, {
      headers: { connection: "close", ...headers },
    });
    await response.body?.cancel();
    return response.status;
  };
  const basic = (password: string) => ({ authorization: `Basic ${btoa(`orthanc:${password}`)}` });
  const token = await signToken(issuerKey, {
    iss: issuer.url,
    aud: "gateway",
    sub: "4711",
    exp: Date.now() / 1000 + 60,
  });
  const right = [basic("correct horse"), { "x-viewer-key": key }, {
    authorization: `Bearer ${token}`,
  }];
  for (const headers of right) assert.equal(await status(headers), 200);
  assert.equal(received.length, 3);
  for (const headers of received) {
    assert.deepEqual([headers.get("authorization"), headers.get("x-viewer-key")], [null, null]);
  }
  for (const path of ["/dicom-web/main/studies", "/dicomweb-oauth/metrics", "/", "/none"]) {
    assert.equal(await status({}, path), 401, path);
  }
  assert.equal(await status({}, "/healthz"), 200);

  // The log, not the answer, names the audience that is found and the one that is expected.
  const foreign = await signToken(issuerKey, {
    iss: issuer.url,
    aud: "another-api",
    exp: Date.now() / 1000 + 60,
  });
  const refused = await fetch(`${gateway.url}/dicom-web/main/studies`, {
    headers: { authorization: `Bearer ${foreign}` },
  });
  assert.equal(refused.status, 401);
  assert.doesNotMatch(await refused.text(), /another-api/);
  await gateway.until(/claim aud.*"?token_audience"?[=:]"?another-api"?.*expected_audience/);
  assert(!gateway.output().includes(foreign.split(".")[1]!));

  const failures = await Promise.all(
    Array.from({ length: 50 }, (_, index) => status({ "x-viewer-key": `wrong ${index}` })),
  );
  // One more attempt is allowed every six seconds.
  const looked = failures.filter((each) => each === 401).length;
  assert(looked >= 30 && looked <= 32, String(looked));
  assert.equal(failures.filter((each) => each === 429).length, 50 - looked);
  assert.equal(received.length, 3);
  assert(!gateway.output().includes(key) && !gateway.output().includes("correct horse"));
  // The real client is not affected, in both workers, whatever is sent in its name or from its address.
  const guesses = Array.from({ length: 60 }, (_, index) => status(basic(`guess ${index}`)));
  for (let index = 0; index < 20; index++) {
    for (const headers of right) assert.equal(await status(headers), 200);
  }
  const answered = await Promise.all(guesses);
  assert(answered.every((each) => each === 401 || each === 429), String(answered));
  stop.abort();
  await store.finished;
});

Deno.test("Running gateway: a web page that rebinds its name to an open loopback gateway is rejected", async () => {
  await using gateway = await startGateway({
    AllowedHosts: ["pacs.lan"],
    Servers: { main: { ProviderType: "none", Url: "http://127.0.0.1:9" } },
  });
  const { hostname, port } = new URL(gateway.url);
  for (const [host, expected] of [["evil.example", 421], ["pacs.lan", 200], ["[::1]", 200]]) {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const request =
      `GET /dicomweb-oauth/servers HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    const answer = await new Response(connection.readable).text();
    assert.match(answer, new RegExp(`^HTTP/1.1 ${expected} `));
  }
});
