import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { ConfigError } from "../../src/config/values/config_error.ts";
import { readConfig } from "../../src/config/file/load_config.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { CERTIFICATE_PEM, KEY_PEM } from "../fixtures/lasting_certificate.ts";
import { loadFromMemory, parseSection, problemsOf } from "./memory_files.ts";

const SERVER = `{"ProviderType": "none", "Url": "https://store.example"}`;

/** Unusable files, and their one problem. */
const unusable: readonly (readonly [what: string, text: string, code: string, message: string])[] =
  [
    ["empty", "", "CFG-002", "is not valid JSON at line 1, column 1: a value is expected"],
    ["blank", " \n\n", "CFG-002", "is not valid JSON at line 3, column 1: a value is expected"],
    ["a list", "[1]", "CFG-002", "must contain a JSON object ({…})"],
    ["a text", `"x"`, "CFG-002", "must contain a JSON object ({…})"],
    ["null", "null", "CFG-002", "must contain a JSON object ({…})"],
    [
      "INI",
      "[main]\nurl=x",
      "CFG-002",
      "is not valid JSON at line 1, column 2: this is neither a string, a number, true, false nor null",
    ],
    [
      "without a comma",
      `{\r\n  "A": 1\r\n  "B": 2\r\n}`,
      "CFG-002",
      "is not valid JSON at line 3, column 3: a comma is expected",
    ],
    [
      "cut off",
      `{"DicomWebOAuth": {\n  "Servers": {`,
      "CFG-002",
      "is not valid JSON at line 2, column 15: a closing brace } is expected",
    ],
    [
      "with a Windows path",
      `{"A": "C:\\keys"}`,
      "CFG-002",
      "is not valid JSON at line 1, column 7: a backslash must be written twice or begin an escape",
    ],
    [
      "followed by more",
      `{"DicomWebOAuth": {}} {}`,
      "CFG-002",
      "is not valid JSON at line 1, column 23: the file should end here",
    ],
    [
      "nested without end",
      "[".repeat(1_000_000),
      "CFG-002",
      "nests lists or objects too deeply",
    ],
  ];

for (const [what, text, code, message] of unusable) {
  Deno.test(`readConfig refuses a file that is ${what}`, async () => {
    assert.deepEqual(await problemsOf(text), [{ code, path: "", message }]);
  });
}

Deno.test("readConfig names the key that was probably meant as the section", async () => {
  assert.deepEqual(await problemsOf({ Name: "Orthanc", DicomWebOauth: {} }), [{
    code: "CFG-001",
    path: "DicomWebOAuth",
    message: "is missing: the nearest key in the file is DicomWebOauth",
  }]);
  const [problem] = await problemsOf({ Name: "Orthanc" });
  assert.match(problem?.message ?? "", /^is missing: the file has no section of this name/);
});

Deno.test("readConfig reads comments, commas after the last item and a byte order mark", async () => {
  const text =
    `\uFEFF// the gateway\n{"DicomWebOAuth": {/* one */ "Servers": {"a": ${SERVER},},},}\n`;
  const { document } = await loadFromMemory(text);
  assert.deepEqual(document, { DicomWebOAuth: { Servers: { a: JSON.parse(SERVER) } } });
});

Deno.test("readConfig reads the section of an orthanc.json and ignores the rest", async () => {
  const source = await loadFromMemory({
    Name: "${ORTHANC_NAME}",
    ConfigVersion: "2.0",
    RegisteredUsers: { admin: "${file:/nowhere}" },
    DicomWebOAuth: { Servers: {} },
  });
  assert.deepEqual(source.document, { ConfigVersion: "2.0", DicomWebOAuth: { Servers: {} } });
  assert.deepEqual(source.problems, []);
});

Deno.test("readConfig replaces references at every depth, also in lists", async () => {
  const { document } = await loadFromMemory(
    { DicomWebOAuth: { A: "${X}", B: { C: ["${X}", [{ D: "-${X}-" }], 1, null, true] } } },
    { env: { X: "x" } },
  );
  assert.deepEqual(document.DicomWebOAuth, {
    A: "x",
    B: { C: ["x", [{ D: "-x-" }], 1, null, true] },
  });
});

Deno.test("readConfig reads secret files without the line break at their end", async () => {
  const { document } = await loadFromMemory({
    DicomWebOAuth: {
      A: "${file:/run/secrets/a}",
      B: "${file:b}",
      C: "${file:${CREDENTIALS_DIRECTORY}/c}",
    },
  }, {
    env: { CREDENTIALS_DIRECTORY: "/run/credentials" },
    files: {
      "/run/secrets/a": "one\r\n",
      "/srv/gateway/b": "two\n\n",
      "/run/credentials/c": " three",
    },
  });
  assert.deepEqual(document.DicomWebOAuth, { A: "one", B: "two\n", C: " three" });
});

Deno.test("readConfig names a missing variable by key path and name", async () => {
  const { problems } = await loadFromMemory({
    DicomWebOAuth: {
      Servers: { "v1.0": { A: ["x", "${UNSET}"] } },
      B: "${file:/run/secrets/none}",
      C: "${file:secrets/none}",
    },
  });
  assert.deepEqual(problems, [
    {
      code: "CFG-003",
      path: 'DicomWebOAuth.Servers["v1.0"].A[1]',
      message: "the environment variable UNSET is not set",
    },
    {
      code: "CFG-003",
      path: "DicomWebOAuth.B",
      message: "the file /run/secrets/none cannot be read: no such file",
    },
    {
      code: "CFG-003",
      path: "DicomWebOAuth.C",
      message: "the file secrets/none cannot be read: no such file at /srv/gateway/secrets/none",
    },
  ]);
});

Deno.test("parseConfig reads the files that keys name, relative to the configuration", async () => {
  const { listen, servers } = await parseSection({
    Listen: { Tls: { CertificateFile: "tls/cert.pem", KeyFile: "/etc/tls/key.pem" } },
    Servers: {
      a: { ProviderType: "none", Url: "https://a.example", VerifySSL: "${CA}" },
      b: { ProviderType: "none", Url: "https://b.example", VerifySSL: "true" },
    },
  }, {
    env: { CA: "ca.pem" },
    files: {
      "/srv/gateway/tls/cert.pem": CERTIFICATE_PEM,
      "/etc/tls/key.pem": KEY_PEM,
      "/srv/gateway/ca.pem": CERTIFICATE_PEM,
    },
  });
  assert.equal(listen.tls?.certificatePem, CERTIFICATE_PEM.trim());
  assert.equal(listen.tls?.keyPem.reveal(), KEY_PEM);
  assert.deepEqual(servers.get("a")!.tls.caCertificatesPem, [CERTIFICATE_PEM.trim()]);
  assert.deepEqual(servers.get("b")!.tls.caCertificatesPem, []);
});

Deno.test("parseConfig reports a named file that cannot be read", async () => {
  const problems = await problemsOf({
    DicomWebOAuth: {
      Servers: { a: { Url: "https://a.example", ProviderType: "none", VerifySSL: "ca.pem" } },
    },
  });
  assert.deepEqual(problems, [{
    code: "CFG-002",
    path: "DicomWebOAuth.Servers.a.VerifySSL",
    message: "the file ca.pem cannot be read: no such file at /srv/gateway/ca.pem",
  }]);
});

Deno.test("readConfig reports a duplicate key", async () => {
  const { problems } = await loadFromMemory(
    `{"DicomWebOAuth": {"Servers": {"a": ${SERVER}, "b": ${SERVER}, "a": ${SERVER}}}}`,
  );
  assert.deepEqual(problems, [
    { code: "CFG-002", path: "DicomWebOAuth.Servers.a", message: "is duplicated" },
  ]);
});

Deno.test("readConfig reports a key named __proto__ as reserved", async () => {
  const source = await loadFromMemory(`{"DicomWebOAuth": {"Servers": {}, "__proto__": {"x": 1}}}`);
  const section = source.document.DicomWebOAuth as Record<string, unknown>;
  assert.deepEqual(Object.keys(section), ["Servers", "__proto__"]);
  assert.equal(section["x"], undefined);
  assert.deepEqual(source.problems, [{
    code: "CFG-002",
    path: "DicomWebOAuth.__proto__",
    message: "is a reserved name",
  }]);
});

Deno.test("readConfig prefers the command line's address and port to the file's", async () => {
  const content = { DicomWebOAuth: { Listen: { Address: "::1", Port: 1 }, Servers: {} } };
  const both = await loadFromMemory(content, { listen: { address: "127.0.0.2", port: 8080 } });
  assert.deepEqual(both.document.DicomWebOAuth, {
    Listen: { Address: "127.0.0.2", Port: 8080 },
    Servers: {},
  });
  const one = await loadFromMemory({ DicomWebOAuth: {} }, { listen: { port: 0 } });
  assert.deepEqual(one.document.DicomWebOAuth, { Listen: { Port: 0 } });
});

Deno.test("parseConfig requires the access token of a KV service in the environment", async () => {
  const content = {
    DicomWebOAuth: {
      TokenCache: { Backend: "kv", Url: "https://kv.example", EncryptionKey: btoa("k".repeat(32)) },
      Servers: { a: { Url: "https://a.example", ProviderType: "none" } },
    },
  };
  assert.deepEqual(await problemsOf(content), [{
    code: "CFG-003",
    path: "DicomWebOAuth.TokenCache.Url",
    message: "a KV service needs the environment variable DENO_KV_ACCESS_TOKEN, which is not set",
  }]);
  assert.deepEqual(await problemsOf(content, { env: { DENO_KV_ACCESS_TOKEN: "x" } }), []);
});

Deno.test("readConfig reads real files and says why it cannot", async (t) => {
  const directory = await Deno.makeTempDir();
  const path = join(directory, "gateway.json");
  const fails = async (what: string, code: string, message: string) => {
    await assert.rejects(readConfig(what), (error: unknown) => {
      assert(error instanceof ConfigError);
      assert.deepEqual(error.problems, [{ code, path: "", message }]);
      assert(error.message.includes(resolve(what)));
      return true;
    });
  };

  await t.step("no file", () => fails(path, "CFG-001", "the file cannot be read: no such file"));
  await t.step("no file in the working directory", () =>
    fails(
      "no-such/gateway.json",
      "CFG-001",
      "the file cannot be read: no such file; no-such/gateway.json is taken from the working " +
        `directory, ${Deno.cwd()}`,
    ));
  await t.step("a directory", () =>
    fails(
      directory,
      "CFG-002",
      "the file cannot be read: it is a directory; name the file in it",
    ));
  await t.step("a file", async () => {
    await Deno.writeTextFile(join(directory, "secret"), "hunter2\n");
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        DicomWebOAuth: { Servers: { a: { VerifySSL: directory, B: "${file:secret}" } } },
      }),
    );
    const source = await readConfig(path, { env: () => undefined });
    assert.equal(source.path, path);
    assert.deepEqual(source.document.DicomWebOAuth, {
      Servers: { a: { VerifySSL: directory, B: "hunter2" } },
    });
    await assert.rejects(parseConfig(source), (error: unknown) => {
      assert(error instanceof ConfigError);
      const told = error.problems.find(({ path }) => path.endsWith("VerifySSL"));
      assert.equal(told?.message, `the file ${directory} cannot be read: it is a directory`);
      return true;
    });
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("A configuration of 10 MB loads with all its servers", async () => {
  const servers = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, index) => [`server-${index}`, {
      ProviderType: "none",
      Url: `https://store.example/${"x".repeat(440)}/${index}`,
    }]),
  );
  const text = JSON.stringify({ DicomWebOAuth: { Servers: servers } });
  assert(text.length > 10_000_000);
  const config = await parseConfig(await loadFromMemory(text));
  assert.equal(config.servers.size, 20_000);
  assert(config.servers.get("server-19999")?.url.endsWith("/19999"));
});

Deno.test("parseConfig reads the PEM files of the listener with literal \\n as lines", async () => {
  const escaped = (pem: string) => pem.replaceAll("\n", "\\n");
  const { listen } = await parseSection({
    Listen: { Tls: { CertificateFile: "/cert.pem", KeyFile: "/key.pem" } },
    Servers: { a: JSON.parse(SERVER) },
  }, { files: { "/cert.pem": escaped(CERTIFICATE_PEM), "/key.pem": escaped(KEY_PEM) } });
  assert.equal(listen.tls?.certificatePem, CERTIFICATE_PEM.trim());
  assert.equal(listen.tls?.keyPem.reveal(), KEY_PEM.trim());
});
