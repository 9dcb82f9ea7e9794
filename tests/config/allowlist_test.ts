import assert from "node:assert/strict";
import { hostAndPort } from "../../src/config/values/host_names.ts";
import { listenHostAndPort, networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { parseSection } from "./memory_files.ts";

const ENCRYPTED = { EncryptionKey: btoa("0123456789abcdef0123456789abcdef") };

Deno.test("networkAllowlist names stores, identity providers, cache and proxy, sorted, each once", async () => {
  const config = await parseSection({
    TokenCache: { Backend: "redis", Url: "redis://:pw@Cache.example/2", ...ENCRYPTED },
    Proxy: { Url: "http://proxy.example:3128" },
    Servers: {
      a: {
        Url: "https://store.example/a",
        TokenEndpoint: "https://IdP.example/token",
        ClientId: "c",
        ClientSecret: "s",
      },
      b: {
        Url: "http://store.example/b",
        TokenEndpoint: "https://idp.example:443/other",
        ClientId: "c",
        ClientSecret: "s",
      },
      c: { ProviderType: "none", Url: "http://[FD00::7]:8042" },
      d: { Url: "https://store.example", TenantId: "t", ClientId: "c", ClientSecret: "s" },
    },
  });
  assert.deepEqual(networkAllowlist(config), [
    "[fd00::7]:8042",
    "cache.example:6379",
    "idp.example:443",
    "login.microsoftonline.com:443",
    "proxy.example:3128",
    "store.example:443",
    "store.example:80",
  ]);
});

Deno.test("networkAllowlist names the KV service where the cache is one", async () => {
  const config = await parseSection({
    TokenCache: { Backend: "kv", Url: "https://kv.example/db", ...ENCRYPTED },
    Servers: { a: { ProviderType: "none", Url: "https://a.example" } },
  }, { env: { DENO_KV_ACCESS_TOKEN: "x" } });
  assert.deepEqual(networkAllowlist(config), ["a.example:443", "kv.example:443"]);
});

const authorities: readonly (readonly [url: string, hostAndPort: string])[] = [
  ["https://a.example/x", "a.example:443"],
  ["https://A.Example/x", "a.example:443"],
  ["http://a.example", "a.example:80"],
  ["http://[::1]/", "[::1]:80"],
  ["http://a.example:443", "a.example:443"],
  ["redis://u:p@A.example", "a.example:6379"],
  ["rediss://a.example:6380/1", "a.example:6380"],
  ["redis://[FD00::7]", "[fd00::7]:6379"],
  ["https://[::ffff:10.0.0.1]:1", "[::ffff:a00:1]:1"],
];

for (const [url, expected] of authorities) {
  Deno.test(`hostAndPort of ${url} is ${expected}`, () => {
    assert.equal(hostAndPort(url), expected);
  });
}

Deno.test("listenHostAndPort puts an IPv6 address in brackets", async () => {
  const Servers = { a: { ProviderType: "none", Url: "https://a.example" } };
  const four = await parseSection({ Servers });
  assert.equal(listenHostAndPort(four), "127.0.0.1:8043");
  const six = await parseSection({ Servers, Listen: { Address: "::1", Port: 80 } });
  assert.equal(listenHostAndPort(six), "[::1]:80");
});
