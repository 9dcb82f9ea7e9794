import assert from "node:assert/strict";
import { signingWays } from "../../src/config/credentials/signing_ways.ts";
import { literalSecrets } from "../../src/config/literal_secrets.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { loadConfigSource } from "../../src/config/config_source.ts";
import { CONFIG_PATH } from "./memory_files.ts";

const SERVER = { Url: "https://store.example", ProviderType: "basic", Username: "u" };

function config(password: string): string {
  return JSON.stringify({
    DicomWebOAuth: { Servers: { main: { ...SERVER, Password: password } } },
  });
}

Deno.test("literalSecrets names the keys whose secrets stand in the file, and no others", () => {
  const section = {
    TokenCache: {
      Backend: "redis",
      Url: "redis://:hunter2@cache:6379",
      EncryptionKey: ["a", "${B}"],
    },
    Audit: { File: "audit.jsonl", Key: "hunter2" },
    Servers: {
      a: { Url: "https://store.example", ClientId: "client", ClientSecret: "hunter2" },
      b: { ClientSecret: "${SECRET}", PrivateKey: "${file:/run/key}", Password: "" },
      c: { Headers: { "X-Key": "hunter2", "X-Other": "${file:x}" } },
      d: { ServiceAccountKey: { private_key: "hunter2" } },
    },
  };
  assert.deepEqual(literalSecrets(JSON.stringify({ DicomWebOAuth: section })), [
    "DicomWebOAuth.TokenCache.Url",
    "DicomWebOAuth.TokenCache.EncryptionKey[0]",
    "DicomWebOAuth.Audit.Key",
    "DicomWebOAuth.Servers.a.ClientSecret",
    "DicomWebOAuth.Servers.c.Headers.X-Key",
    "DicomWebOAuth.Servers.d.ServiceAccountKey.private_key",
  ]);
});

Deno.test("literalSecrets knows every key of a way of signing that sounds like a secret", () => {
  const names = signingWays.flatMap(({ keys }) => Object.keys(keys));
  const sounding = names.filter((name) =>
    /secret|password|^token$|sessiontoken|privatekey|accountkey$|headers$/i.test(name)
  );
  assert(sounding.length > 5);
  for (const name of sounding) {
    const file = JSON.stringify({ DicomWebOAuth: { [name]: "x" } });
    assert.deepEqual(literalSecrets(file), [`DicomWebOAuth.${name}`]);
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
  Deno.test(`A file of mode ${mode?.toString(8)} with ${form} is ${warned ? "" : "not "}warned of`, async () => {
    const source = await loadConfigSource(CONFIG_PATH, {
      env: (name) => ({ HOME: "/home/gateway", PASSWORD: "from elsewhere" })[name],
      readTextFile: () => Promise.resolve(config(password)),
      fileFacts: {
        mode: (path) => Promise.resolve(path === CONFIG_PATH ? mode : 0o755),
        realPath: (path) => Promise.resolve(path),
      },
    });
    const warnings = parseConfig(structuredClone(source)).warnings ?? [];
    assert.deepEqual(
      warnings,
      warned
        ? [
          `${CONFIG_PATH} may be read by every user of this machine (mode 0644) and holds the secret ` +
          "of DicomWebOAuth.Servers.main.Password: run chmod 600, or write ${NAME} or ${file:PATH} " +
          "in place of the secret",
        ]
        : [],
    );
  });
}
