import assert from "node:assert/strict";
import { runCommand, runWithConfig } from "../fixtures/gateway_command.ts";

const SECTION = {
  Listen: { Address: "127.0.0.1", Port: 8043 },
  Proxy: { Url: "http://proxy.example:3128", Username: "gateway", Password: "proxy-password" },
  TokenCache: {
    Backend: "redis",
    Url: "redis://:cache-password@cache.example",
    EncryptionKey: btoa("k".repeat(32)),
  },
  Servers: {
    main: {
      Url: "https://store.example/dicom-web",
      TokenEndpoint: "https://login.example/token",
      ClientId: "client",
      ClientSecret: "client-secret",
    },
    azure: { Url: "https://azure.example/v2", ProviderType: "azuremanagedidentity" },
  },
};

Deno.test("permissions: shows each connection with its reason, for the worker and for firewalls", async () => {
  const { code, stdout } = await runWithConfig(SECTION, ["permissions"]);
  assert.equal(code, 0);
  assert.match(stdout, /^ {2}env +none$/m);
  assert.match(stdout, /^ {2}127\.0\.0\.1:8043 +TCP +clients$/m);
  assert.match(stdout, /^ {2}store\.example:443 +TLS +store of main; through the egress proxy/m);
  assert.match(stdout, /^ {2}login\.example:443 +TLS +credentials of main;/m);
  assert.match(stdout, /^ {2}169\.254\.169\.254:80 +metadata service of azure$/m);
  assert.match(stdout, /^ {2}cache\.example:6379 +token cache$/m);
  assert.match(stdout, /^ {2}proxy\.example:3128 +egress proxy$/m);
  assert.doesNotMatch(stdout, /password|client-secret/);
});

Deno.test("permissions: prints one line per destination, with all that need it", async () => {
  const { main } = SECTION.Servers;
  const Servers = { main, second: { ...main, Url: "https://store.example/other" } };
  const { stdout } = await runWithConfig({ Servers }, ["permissions"]);
  assert.deepEqual(stdout.match(/^ {2}store\.example:443 .*$/gm)?.map((line) => line.trim()), [
    "store.example:443  TLS  store of main, store of second",
  ]);
  assert.equal(stdout.match(/^ {2}login\.example:443 /gm)?.length, 1);
});

Deno.test("permissions: --json contains the permissions of `new Worker`, and each host with its reason", async () => {
  const { code, stdout } = await runWithConfig(SECTION, ["permissions", "--json"]);
  assert.equal(code, 0);
  const { worker, connections, listen } = JSON.parse(stdout);
  assert.deepEqual(worker.run, []);
  const explained = connections.map(({ host, port }: { host: string; port: number }) =>
    `${host}:${port}`
  );
  assert.deepEqual(new Set([...explained, listen]), new Set(worker.net));
});

Deno.test("permissions: shows files with their purpose", async () => {
  const { stdout } = await runWithConfig({
    StateDirectory: "/var/lib/gateway",
    TokenCache: { Backend: "kv", EncryptionKey: btoa("k".repeat(32)) },
    Servers: {
      main: {
        Url: "https://store.example/dicom-web",
        ProviderType: "bearer",
        TokenFile: "/run/token",
      },
    },
  }, ["permissions"]);
  assert.match(stdout, /^ {2}\/var\/lib\/gateway +read and write +token cache$/m);
  assert.match(stdout, /^ {2}\/run\/token +read +credentials of main$/m);
});

Deno.test("schema: prints the schema of the documentation", async () => {
  const { code, stdout } = await runCommand(["schema"]);
  assert.equal(code, 0);
  const written = new URL("../../docs/gateway.schema.json", import.meta.url);
  assert.deepEqual(JSON.parse(stdout), JSON.parse(await Deno.readTextFile(written)));
});
