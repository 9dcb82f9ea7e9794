import assert from "node:assert/strict";
import { schemes } from "../../src/config/schemes/schemes.ts";
import { secretKeys } from "../../src/config/file/secret_keys.ts";
import { readConfig } from "../../src/config/file/load_config.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { CONFIG_PATH } from "./memory_files.ts";

const SERVER = { Url: "https://store.example", ProviderType: "basic", Username: "u" };

function config(password: string): string {
  return JSON.stringify({
    DicomWebOAuth: { Servers: { main: { ...SERVER, Password: password } } },
  });
}

Deno.test("secretKeys names the keys of secrets by the kinds of their schemas, and no others", () => {
  const section = {
    TokenCache: {
      Backend: "redis",
      Url: "redis://:hunter2@cache:6379",
      EncryptionKey: ["a", "${B}"],
    },
    Audit: { File: "audit.jsonl", Key: "hunter2" },
    Proxy: { Url: "http://proxy:3128", Username: "u", Password: "hunter2" },
    Servers: {
      a: {
        Url: "https://store.example",
        ClientId: "client",
        ClientSecret: "hunter2",
        TokenParameters: { assertion: "hunter2" },
      },
      b: { ClientAuthentication: "private_key_jwt", PrivateKey: ["${file:/run/key}"] },
      c: { ProviderType: "headers", Headers: { "X-Key": "hunter2" } },
      d: { ProviderType: "google", ServiceAccountKey: { private_key: "hunter2" } },
      e: { ProviderType: "aws", RoleArn: "arn:x", ExternalId: "hunter2" },
      f: { ProviderType: "typo", ClientSecret: "hunter2" },
      g: { ClientId: "c", Headers: { "X-Key": "hunter2" }, TokenHeaders: { "X-Key": "hunter2" } },
    },
  };
  assert.deepEqual(
    [...secretKeys(section).keys()].map((key) => key.replace("DicomWebOAuth.", "")),
    [
      "TokenCache.Url",
      "TokenCache.EncryptionKey[0]",
      "TokenCache.EncryptionKey[1]",
      "Audit.Key",
      "Proxy.Password",
      "Servers.a.ClientSecret",
      "Servers.a.TokenParameters.assertion",
      "Servers.b.PrivateKey[0]",
      "Servers.c.Headers.X-Key",
      "Servers.d.ServiceAccountKey.private_key",
      "Servers.e.ExternalId",
      "Servers.f.ClientSecret",
      "Servers.g.Headers.X-Key",
      "Servers.g.TokenHeaders.X-Key",
    ],
  );
  assert.deepEqual([...secretKeys({ TokenCache: { Url: "redis://cache:6379" } }).keys()], []);
  const nodes = ["redis://cache:6379", "redis://:hunter2@cache:6379"];
  assert.deepEqual(
    [...secretKeys({ TokenCache: { Url: nodes, Sentinel: { Name: "n", Nodes: nodes } } }).keys()],
    ["DicomWebOAuth.TokenCache.Url[1]", "DicomWebOAuth.TokenCache.Sentinel.Nodes[1]"],
  );
});

Deno.test("Every key of a scheme that sounds like a secret is of a secret kind", () => {
  for (const { keys, chosenBy, title } of schemes) {
    const chosen = Object.fromEntries(
      Object.entries(chosenBy).map(([key, values]) => [key, values.at(-1)]),
    );
    const sounding = Object.keys(keys).filter((name) =>
      /secret(?!encoding)|password|^token$|sessiontoken|privatekey|accountkey$|externalid/i.test(
        name,
      )
    );
    for (const name of sounding) {
      const found = secretKeys({ Servers: { main: { ...chosen, [name]: "x" } } });
      assert.deepEqual([...found.keys()], [`DicomWebOAuth.Servers.main.${name}`], title);
    }
  }
});

for (
  const [mode, password, warned] of [
    [0o644, "hunter2", true],
    [0o640, "hunter2", false],
    [0o600, "hunter2", false],
    [0o644, "${PASSWORD}", false],
    [null, "hunter2", false],
  ] as const
) {
  const form = password === "hunter2" ? "a secret" : "no secret";
  Deno.test(`A file of mode ${mode?.toString(8)} with ${form} causes ${warned ? "a" : "no"} warning`, async () => {
    const source = await readConfig(CONFIG_PATH, {
      env: (name) => ({ HOME: "/home/gateway", PASSWORD: "from elsewhere" })[name],
      readFile: () => Promise.resolve(new TextEncoder().encode(config(password))),
      fileFacts: {
        mode: (path) => Promise.resolve(path === CONFIG_PATH ? mode : 0o755),
        realPath: (path) => Promise.resolve(path),
      },
    });
    const { warnings } = await parseConfig(source);
    assert.deepEqual(
      warnings,
      warned
        ? [
          `${CONFIG_PATH} may be read by every user of this machine (mode 0644) and contains the secret ` +
          "of DicomWebOAuth.Servers.main.Password: run chmod 600, or write ${NAME} or ${file:PATH} " +
          "in place of the secret",
        ]
        : [],
    );
  });
}
