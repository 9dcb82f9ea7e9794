import assert from "node:assert/strict";
import { type Contact, contacts, networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { parseConfig, sourceOf } from "../../src/config/parse_config.ts";

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

const told = ({ address, purpose, neededBy, proxied, tls }: Contact) =>
  [address, purpose, neededBy, proxied, tls].join(" ");

Deno.test("contacts: each place with its reason, whose it is, and whether the proxy carries it", async () => {
  const all = contacts(await configured(SECTION)).map(told);
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

Deno.test("contacts: they are the network allowlist, no more and no less", async () => {
  const config = await configured(SECTION);
  const addresses = [...new Set(contacts(config).map(({ address }) => address))].sort();
  assert.deepEqual(addresses, networkAllowlist(config));
});
