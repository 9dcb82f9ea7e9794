import assert from "node:assert/strict";
import { postable, received } from "../../src/config/posted_config.ts";
import { Secret } from "../../src/config/values/secret.ts";
import { parseSection } from "./memory_files.ts";

Deno.test("received restores what postable converted, after the structured cloning of postMessage", async () => {
  const config = await parseSection({
    TokenCache: {
      Backend: "redis",
      Url: "rediss://:p4ss@cache/",
      EncryptionKey: btoa("k".repeat(32)),
    },
    Proxy: { Url: "http://proxy:3128", Username: "u", Password: "\ufeffpäss" },
    Audit: { To: "stdout", Key: "0123456789abcdef0123456789abcdef" },
    LogLevels: { Upstream: "DEBUG" },
    Servers: {
      cloud: {
        Url: "https://store.example",
        TokenEndpoint: "https://idp.example/token",
        ClientId: "c",
        ClientSecret: "s3cret",
        TokenParameters: { x: "y" },
      },
      keyed: { Url: "https://store.example", ProviderType: "headers", Headers: { "X-Key": "k3y" } },
    },
  });
  const arrived = received(structuredClone(postable(config)));
  assert.deepEqual(arrived, config);
  assert.ok(Object.isFrozen(arrived));
  const { credentials } = arrived.servers.get("keyed")!;
  assert.ok(credentials.kind === "headers");
  assert.ok(credentials.headers["x-key"] instanceof Secret);
  // A private field does not count in deepEqual.
  assert.equal(credentials.headers["x-key"].reveal(), "k3y");
  assert.equal(arrived.proxy?.password?.reveal(), "\ufeffpäss");
});
