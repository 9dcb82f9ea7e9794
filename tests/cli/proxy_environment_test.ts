import assert from "node:assert/strict";
import { startGateway } from "../fixtures/gateway_process.ts";

Deno.test("serve: a proxy of the environment is not used, and the log says so", async () => {
  const store = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("stored"),
  );
  let proxied = 0;
  const proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    proxied++;
    return new Response(null, { status: 502 });
  });
  const url = `http://127.0.0.1:${proxy.addr.port}`;
  await using gateway = await startGateway({
    Servers: {
      main: { Url: `http://127.0.0.1:${store.addr.port}/dicom-web`, ProviderType: "none" },
    },
  }, { env: { HTTP_PROXY: url, http_proxy: url, ALL_PROXY: url } });
  const response = await fetch(`${gateway.url}/dicom-web/main/studies`);
  assert.equal(await response.text(), "stored");
  assert.equal(proxied, 0);
  assert.match(gateway.output(), /HTTP_PROXY is ignored.*Proxy/);
  await Promise.all([store.shutdown(), proxy.shutdown()]);
});
