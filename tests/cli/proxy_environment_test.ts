import assert from "node:assert/strict";
import { runCommand } from "../fixtures/gateway_command.ts";
import { startGateway } from "../fixtures/gateway_process.ts";
import { startTokenEndpoint } from "../fixtures/token_endpoint.ts";

/** Accepts anything, and counts what reaches it. */
function startServer(answer: (request: Request) => Response) {
  let seen = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen++;
    return answer(request);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen: () => seen,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const startProxy = () => startServer(() => new Response(null, { status: 502 }));

/** The tasks exempt loopback from the environment's proxies; a gateway that is installed has no task. */
function proxiesOf(url: string): Record<string, string> {
  const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
  return { ...Object.fromEntries(names.map((name) => [name, url])), NO_PROXY: "", no_proxy: "" };
}

Deno.test("serve: a proxy of the environment is not used, and the log says so", async () => {
  await using store = startServer(() => new Response("stored"));
  await using proxy = startProxy();
  await using gateway = await startGateway({
    Servers: { main: { Url: `${store.url}/dicom-web`, ProviderType: "none" } },
  }, { env: proxiesOf(proxy.url) });
  const response = await fetch(`${gateway.url}/dicom-web/main/studies`);
  assert.equal(await response.text(), "stored");
  assert.equal(proxy.seen(), 0);
  assert.match(gateway.output(), /HTTP_PROXY is ignored.*Proxy/);
});

Deno.test("Every command that makes requests works with proxies in the environment, and uses none", async (t) => {
  await using orthanc = startServer(() => Response.json({}));
  await using store = startServer(() => Response.json([]));
  await using proxy = startProxy();
  const tokens = startTokenEndpoint();
  const directory = await Deno.makeTempDir();
  const config = `${directory}/gateway.json`;
  const DicomWebOAuth = {
    StateDirectory: `${directory}/state`,
    Servers: { main: { Url: `${store.url}/dicom-web`, ...tokens.serverKeys } },
  };
  await Deno.writeTextFile(config, JSON.stringify({ DicomWebOAuth }), { mode: 0o600 });
  const commands: Record<string, { args: readonly string[]; reached: () => number }> = {
    "demo": { args: ["demo", "--once"], reached: () => 1 },
    "orthanc-config": {
      args: ["orthanc-config", "--config", config, "--orthanc", orthanc.url, "--dry-run"],
      reached: orthanc.seen,
    },
    "token": { args: ["token", "--config", config], reached: () => tokens.requests.length },
    "doctor": { args: ["doctor", "--config", config], reached: store.seen },
  };
  for (const [name, { args, reached }] of Object.entries(commands)) {
    await t.step(name, async () => {
      const before = reached();
      const { code, stdout, stderr } = await runCommand(args, { env: proxiesOf(proxy.url) });
      assert.equal(code, 0, stdout + stderr);
      if (name !== "demo") assert(reached() > before, "it reached what it was to reach");
      assert.equal(proxy.seen(), 0);
    });
  }
  await tokens.close();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("serve: the configuration may name a proxy of the environment, also at a reload", async () => {
  await using proxy = startServer(() => new Response("through the proxy"));
  await using gateway = await startGateway({
    Proxy: { Url: "${HTTP_PROXY}" },
    Servers: { main: { Url: "http://store.test/dicom-web", ProviderType: "none" } },
  }, { env: proxiesOf(proxy.url) });
  const ask = async () =>
    await (await fetch(`${gateway.url}/dicom-web/main/studies/${crypto.randomUUID()}`)).text();
  assert.equal(await ask(), "through the proxy");
  gateway.signal("SIGHUP");
  for (
    let tries = 0;
    !/Reloaded the configuration|Did not reload/.test(gateway.output());
    tries++
  ) {
    assert(tries < 1000, gateway.output());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.match(gateway.output(), /Reloaded the configuration/);
  assert.equal(await ask(), "through the proxy");
});
