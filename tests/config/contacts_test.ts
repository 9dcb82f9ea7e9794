import assert from "node:assert/strict";
import {
  type Contact,
  contacts,
  directContacts,
  listenHostAndPort,
  networkAllowlist,
} from "../../src/config/sandbox/contacts.ts";
import { parseConfig, sourceOf } from "../../src/config/parse_config.ts";
import { parseSection } from "./memory_files.ts";

async function configured(section: Readonly<Record<string, unknown>>) {
  return await parseConfig(
    sourceOf({ DicomWebOAuth: section }, {
      path: "/etc/gateway.json",
      stateHome: "/var/lib/gateway",
    }),
  );
}

const SECTION = {
  Proxy: { Url: "http://proxy.example:3128" },
  TokenCache: {
    Backend: "redis",
    Url: "rediss://:hidden@cache.example",
    EncryptionKey: btoa("k".repeat(32)),
  },
  Servers: {
    main: {
      Url: "https://store.example/dicom-web",
      Issuer: "https://login.example/realm",
      ClientId: "client",
      ClientSecret: "secret",
    },
    azure: {
      Url: "https://azure.example/v2",
      ProviderType: "azuremanagedidentity",
    },
  },
};

const summary = ({ address, purpose, neededBy, proxied, tls }: Contact) =>
  [address, purpose, neededBy, proxied, tls].join(" ");

Deno.test("contacts: each host with its purpose, its server and whether the proxy is used", async () => {
  const all = contacts(await configured(SECTION)).map(summary);
  for (
    const expected of [
      "store.example:443 store main true true",
      "login.example:443 credentials main true true",
      "169.254.169.254:80 metadata service azure false false",
      "cache.example:6379 token cache  false true",
      "proxy.example:3128 egress proxy  false false",
    ]
  ) assert(all.includes(expected), `${expected} is not among\n${all.join("\n")}`);
  assert.doesNotMatch(JSON.stringify(contacts(await configured(SECTION))), /hidden/);
});

Deno.test("contacts: every server that Sentinel may name, and every Sentinel", async () => {
  const tokenCache = {
    ...SECTION.TokenCache,
    Url: ["redis://:hidden@one", "redis://:hidden@two"],
    Sentinel: { Name: "tokens", Nodes: ["redis://[::1]:26379"] },
  };
  const config = await configured({ ...SECTION, TokenCache: tokenCache });
  assert.deepEqual(
    contacts(config).filter(({ purpose }) => purpose === "token cache").map(summary),
    ["one:6379", "two:6379", "[::1]:26379"].map((host) => `${host} token cache  false false`),
  );
});

const ENCRYPTED = { EncryptionKey: btoa("0123456789abcdef0123456789abcdef") };

Deno.test("networkAllowlist contains stores, identity providers, cache and proxy, sorted, each once", async () => {
  const config = await parseSection({
    TokenCache: { Backend: "redis", Url: "redis://:pw@Cache.example/2", ...ENCRYPTED },
    Proxy: { Url: "http://proxy.example:3128" },
    Servers: {
      a: {
        Url: "https://store.example/a",
        // What a store calls itself is never contacted.
        StoreAliases: ["http://alias.example:8042/dicom-web"],
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

Deno.test("networkAllowlist contains the KV service of the token cache", async () => {
  const config = await parseSection({
    TokenCache: { Backend: "kv", Url: "https://kv.example/db", ...ENCRYPTED },
    Servers: { a: { ProviderType: "none", Url: "https://a.example" } },
  }, { env: { DENO_KV_ACCESS_TOKEN: "x" } });
  assert.deepEqual(networkAllowlist(config), ["a.example:443", "kv.example:443"]);
});

Deno.test("listenHostAndPort puts an IPv6 address in brackets", async () => {
  const Servers = { a: { ProviderType: "none", Url: "https://a.example" } };
  const four = await parseSection({ Servers });
  assert.equal(listenHostAndPort(four), "127.0.0.1:8043");
  const six = await parseSection({ Servers, Listen: { Address: "::1", Port: 80 } });
  assert.equal(listenHostAndPort(six), "[::1]:80");
});

/** Host of a store, exceptions of the proxy, whether the proxy is used. */
const ROUTES: [host: string, except: string[], proxied: boolean][] = [
  ["store.example", [], true],
  ["127.0.0.1", [], false],
  ["127.9.9.9", [], false],
  ["localhost", [], false],
  ["LOCALHOST", [], false],
  ["localhost.", [], false],
  ["[::1]", [], false],
  ["[::ffff:127.0.0.1]", [], false],
  ["0x7f.1", [], false],
  ["127.0.0.1.example", [], true],
  ["0.0.0.0", [], false],
  ["[::]", [], false],
  ["store.localhost", [], false],
  ["store.localhost.example", [], true],
  ["store.example.", ["store.example."], false],
  ["store.example", ["store.example."], false],
  ["a.hospital.example", [".hospital.example."], false],
  ["[fd00::1]", ["[fd00::1]"], false],
  ["pacs", ["pacs"], false],
  ["PACS", ["pacs"], false],
  ["pacs.", ["pacs"], false],
  ["pacs.hospital.example", ["pacs"], true],
  ["pacs.hospital.example", [".hospital.example"], false],
  ["hospital.example", [".Hospital.example"], false],
  ["nothospital.example", [".hospital.example"], true],
  ["hospital.example", ["hospital.example"], false],
  ["pacs.hospital.example", ["hospital.example"], true],
  ["10.1.2.3", ["10.0.0.0/8"], false],
  ["11.1.2.3", ["10.0.0.0/8"], true],
  ["10.1.2.3", ["10.1.2.3"], false],
  ["[::ffff:10.1.2.3]", ["10.0.0.0/8"], false],
  ["[fd00::7]", ["fd00::/8"], false],
  ["[fe80::7]", ["fd00::/8"], true],
  ["10.1.2.3", ["fd00::/8", "pacs", "10.1.0.0/16"], false],
];

for (const [host, Except, proxied] of ROUTES) {
  Deno.test(`contacts: ${host} is contacted ${proxied ? "through the proxy" : "directly"}, with Except [${Except}]`, async () => {
    const Url = `https://${host}/dicom-web`;
    const config = await configured({
      Proxy: { Url: "http://proxy.example:3128", Except },
      Servers: { main: { Url, ProviderType: "none" } },
    });
    const store = contacts(config).find(({ purpose }) => purpose === "store")!;
    assert.equal(store.proxied, proxied);
    const direct = directContacts(config, "main", "server");
    assert.deepEqual([...direct], proxied ? [] : [store.address]);
  });
}

Deno.test("contacts: Proxy false at a server or issuer holds for its hosts and no others", async () => {
  const Servers = {
    inside: { ...SECTION.Servers.main, Proxy: false },
    outside: SECTION.Servers.main,
  };
  const Jwt = {
    inside: { Issuer: "https://login.example/realm", Audience: "gateway", Proxy: false },
    outside: {
      Issuer: "https://other.example",
      JwksUri: "https://login.example/keys",
      Audience: "gateway",
    },
  };
  const Authentication = { Jwt };
  const config = await configured({ Proxy: SECTION.Proxy, Servers, Authentication });
  for (const { neededBy, proxied, purpose } of contacts(config)) {
    if (purpose !== "egress proxy") assert.equal(proxied, neededBy === "outside", purpose);
  }
  const inside = ["login.example:443", "store.example:443"];
  assert.deepEqual([...directContacts(config, "inside", "server")].sort(), inside);
  assert.deepEqual([...directContacts(config, "inside", "issuer")], ["login.example:443"]);
  assert.deepEqual([...directContacts(config, "outside", "server")], []);
});
