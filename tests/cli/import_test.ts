import assert from "node:assert/strict";
import { type Ended, runCommand } from "../fixtures/gateway_command.ts";

/** A file as users of the plugin have it: in Orthanc's own, with comments. */
const PLUGIN_FILE = `{
  // Orthanc
  "Name": "hospital",
  "ConfigVersion": "2.0",
  "DicomWebOAuth": {
    "EnableMetrics": true,
    "RateLimitRequests": 100,
    "LogLevel": "INFO", /* as before */
    "Servers": {
      "my-store": {
        "Url": "https://store.example/dicom-web/",
        "TokenEndpoint": "https://idp.example/token",
        "ClientId": "orthanc",
        "ClientSecret": "hunter2-in-the-file",
        "Scope": "dicom",
        "VerifySSL": false,
        "Mystery": 1,
        "TokenRefreshBufferSeconds": 300,
      },
    },
  },
}`;

async function importing(
  text: string,
  use: (ended: Ended, directory: string) => Promise<void> | void,
  ...flags: string[]
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "import-test-" });
  try {
    await Deno.writeTextFile(`${directory}/orthanc.json`, text);
    await use(await runCommand(["import", `${directory}/orthanc.json`, ...flags]), directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("import keeps ResilienceConfig from the top of the file, and names keys that have successors", async () => {
  const text = JSON.stringify({
    ResilienceConfig: { RetryMaxAttempts: 5 },
    DicomWebOAuth: {
      LogFile: "/var/log/oauth.log",
      CacheType: "redis",
      RedisUrl: "redis://localhost:6379/0",
      Servers: {
        main: {
          Url: "https://store.example",
          TokenEndpoint: "https://idp.example/token",
          ClientId: "c",
          ClientSecret: "${SECRET:-s}",
        },
      },
    },
  });
  await importing(text, ({ code, stdout, stderr }) => {
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout).DicomWebOAuth.ResilienceConfig, { RetryMaxAttempts: 5 });
    assert.match(stderr, /Kept[^]*DicomWebOAuth\.ResilienceConfig/);
    assert.match(stderr, /Left out[^]*LogFile: the log goes to standard error/);
    assert.match(stderr, /Left out[^]*CacheType: its successor is TokenCache\.Backend/);
    assert.match(stderr, /Left out[^]*RedisUrl: its successor is TokenCache\.Url/);
  });
});

Deno.test("import makes a file that passes check, and reports what changed for each key", async () => {
  await importing(PLUGIN_FILE, async ({ code, stdout, stderr }, directory) => {
    assert.equal(code, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      DicomWebOAuth: {
        ConfigVersion: "2.0",
        RateLimitRequests: 100,
        LogLevel: "INFO",
        Servers: {
          "my-store": {
            Url: "https://store.example/dicom-web/",
            TokenEndpoint: "https://idp.example/token",
            ClientId: "orthanc",
            ClientSecret: "${MY_STORE_CLIENT_SECRET}",
            Scope: "dicom",
            TokenRefreshBufferSeconds: 300,
          },
        },
      },
    });
    assert.ok(!stdout.includes("hunter2") && !stderr.includes("hunter2"));
    for (
      const line of [
        /Changed[^]*my-store\.ClientSecret.*MY_STORE_CLIENT_SECRET/,
        /Left out[^]*EnableMetrics: metrics are always served/,
        /Left out[^]*VerifySSL: .*PEM file/,
        /Left out[^]*Mystery/,
        /Kept[^]*RateLimitRequests: now takes effect/,
        /Kept[^]*my-store\.Url\n/,
      ]
    ) assert.match(stderr, line);

    await Deno.writeTextFile(`${directory}/gateway.json`, stdout);
    const checked = await runCommand(["check", "--config", `${directory}/gateway.json`], {
      env: { MY_STORE_CLIENT_SECRET: "hunter2" },
    });
    assert.equal(checked.code, 0, checked.stderr);
  });
});

Deno.test("import accepts version 1, whose file has no version", async () => {
  const text = PLUGIN_FILE.replace('"ConfigVersion": "2.0",', "");
  await importing(text, ({ code, stdout, stderr }) => {
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).DicomWebOAuth.ConfigVersion, "2.0");
    assert.match(stderr, /ConfigVersion: is "2.0"/);
  });
});

Deno.test("import keeps secrets with --keep-secrets", async () => {
  await importing(PLUGIN_FILE, ({ stdout }) => {
    const { ClientSecret } = JSON.parse(stdout).DicomWebOAuth.Servers["my-store"];
    assert.equal(ClientSecret, "hunter2-in-the-file");
  }, "--keep-secrets");
});

Deno.test("import keeps variables, and names those that are not set", async () => {
  const text = PLUGIN_FILE.replace("hunter2-in-the-file", "${NO_SUCH_VARIABLE_HERE}");
  await importing(text, ({ code, stdout, stderr }) => {
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\$\{NO_SUCH_VARIABLE_HERE\}/);
    assert.match(stderr, /Not set here[^]*NO_SUCH_VARIABLE_HERE/);
  });
});

Deno.test("import gives two secrets two variables, even if the names of their servers are similar", async () => {
  const server = (secret: string) => ({ Url: "https://s.example", ClientSecret: secret });
  const text = JSON.stringify({
    DicomWebOAuth: { Servers: { "a-b": server("one"), "a_b": server("two") } },
  });
  await importing(text, ({ stdout }) => {
    const { Servers } = JSON.parse(stdout).DicomWebOAuth;
    assert.equal(Servers["a-b"].ClientSecret, "${A_B_CLIENT_SECRET}");
    assert.equal(Servers["a_b"].ClientSecret, "${A_B_CLIENT_SECRET_2}");
  });
});

Deno.test("import reports what must be fixed by hand", async () => {
  const text = PLUGIN_FILE.replace('"my-store"', '"my store"');
  await importing(text, ({ code, stderr }) => {
    assert.equal(code, 78);
    assert.match(stderr, /To be fixed by hand\n {2}CFG-002 .*my store/);
  });
  await importing("{}", ({ code, stdout }) => {
    assert.equal(code, 78);
    assert.equal(stdout, "");
  });
});
