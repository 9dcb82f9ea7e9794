import assert from "node:assert/strict";
import { ConfigError } from "../../src/config/values/config_error.ts";
import { Secret } from "../../src/config/values/secret.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { profiles } from "../../src/dicomweb/profile/profile.ts";
import { CERTIFICATE_PEM, KEY_PEM } from "../fixtures/lasting_certificate.ts";
import { CONFIG_PATH, loadFromMemory, parseSection, problemsOf } from "./memory_files.ts";

/** An orthanc.json of a site with the plugin: comments, other keys. */
const ORTHANC_JSON = `
/**
 * Orthanc of the radiology department
 **/
{
  "Name" : "Radiology",
  "HttpPort" : 8042,
  // "RemoteAccessAllowed" : true,
  "RegisteredUsers" : { "admin" : "\${ORTHANC_PASSWORD}" },
  "Plugins" : [ "/usr/share/orthanc/plugins", ],
  "LogLevel" : "default",
  CONFIG_VERSION
  "DicomWeb" : { "Enable" : true, "Servers" : { "cloud" : { "Url" : "http://localhost:8042/oauth-dicom-web/servers/cloud" } } },
  "DicomWebOAuth" : {
    "Servers" : {
      "cloud" : {
        "Url" : "https://workspace-dicom.dicom.azurehealthcareapis.com/v2/",
        "TokenEndpoint" : "https://login.microsoftonline.com/contoso/oauth2/v2.0/token",
        "ClientId" : "\${OAUTH_CLIENT_ID}",
        "ClientSecret" : "\${OAUTH_CLIENT_SECRET}",
        "Scope" : "https://dicom.healthcareapis.azure.com/.default", // the DICOM service
        "TokenRefreshBufferSeconds" : 600,
        "VerifySSL" : true
      },
      "research" : {
        "Url" : "https://research.example/dicom-web",
        "TokenEndpoint" : "https://idp.example/realms/research/protocol/openid-connect/token",
        "ClientId" : "orthanc",
        "ClientSecret" : "\${file:/run/secrets/research}",
        "ProviderType" : "keycloak",
        "VerifySSL" : "/etc/ssl/hospital.pem",
        "ResilienceConfig" : {
          "CircuitBreakerEnabled" : true, "CircuitBreakerFailureThreshold" : 3,
          "RetryMaxAttempts" : 5, "RetryStrategy" : "linear", "RetryInitialDelay" : 0.5
        }
      }
    },
    "LogLevel" : "INFO"
  },
  "StorageDirectory" : "/var/lib/orthanc"
}`;

const SITE = {
  env: { OAUTH_CLIENT_ID: "4f1c", OAUTH_CLIENT_SECRET: "s3cr3t-one" },
  files: {
    "/run/secrets/research": "s3cr3t-two\n",
    "/etc/ssl/hospital.pem": `Hospital CA\n${CERTIFICATE_PEM}\nOld CA\n${CERTIFICATE_PEM}\n`,
  },
};

for (
  const [form, version] of [
    ["version 1, without ConfigVersion", ""],
    ["version 1, with ConfigVersion", '"ConfigVersion" : "1.0",'],
    ["version 2", '"ConfigVersion" : "2.0",'],
    ["version 2, as a number", '"ConfigVersion" : 2,'],
  ] as const
) {
  Deno.test(`parseConfig reads the plugin's section of an orthanc.json: ${form}`, async () => {
    const config = await parseConfig(
      await loadFromMemory(ORTHANC_JSON.replace("CONFIG_VERSION", version), SITE),
    );
    const { cloud, research } = Object.fromEntries(config.servers);
    assert(cloud?.credentials.kind === "client_credentials");
    assert.equal(cloud.url, "https://workspace-dicom.dicom.azurehealthcareapis.com/v2");
    assert.equal(cloud.credentials.clientId, "4f1c");
    assert.equal(cloud.credentials.scope, "https://dicom.healthcareapis.azure.com/.default");
    assert.equal(cloud.credentials.refreshBufferMs, 600_000);
    assert.equal(cloud.credentials.clientAuthentication.method, "client_secret_post");
    assert.deepEqual(cloud.tls.caCertificatesPem, []);
    assert.deepEqual(cloud.resilience, {
      circuitBreaker: undefined,
      retry: {
        maxAttempts: 3,
        strategy: "exponential",
        initialDelayMs: 1_000,
        multiplier: 2,
        maxDelayMs: 30_000,
        incrementMs: 1_000,
      },
    });

    assert(research?.credentials.kind === "client_credentials");
    assert.equal(research.credentials.scope, undefined);
    assert.equal(research.credentials.refreshBufferMs, 300_000);
    assert.deepEqual(research.tls.caCertificatesPem, [CERTIFICATE_PEM, CERTIFICATE_PEM]);
    assert.deepEqual(research.resilience.circuitBreaker, {
      failureThreshold: 3,
      timeoutMs: 60_000,
    });
    assert.equal(research.resilience.retry.strategy, "linear");
    assert.equal(research.resilience.retry.initialDelayMs, 500);
    assert.equal(research.resilience.retry.maxAttempts, 5);

    assert.deepEqual(config.log, { level: "info", levels: {}, format: "text" });
    assert.deepEqual(config.warnings, []);
  });
}

Deno.test("parseConfig gives every key its documented default", async () => {
  const config = await parseSection({
    Servers: { a: { ProviderType: "none", Url: "https://a.example" } },
  });
  assert.deepEqual(config, {
    path: CONFIG_PATH,
    listen: { address: "127.0.0.1", port: 8043, tls: undefined, allowUnauthenticated: false },
    stateDirectory: "/home/gateway/.local/state/dicomweb-gateway",
    publicUrl: undefined,
    cors: undefined,
    authentication: undefined,
    permissions: undefined,
    allowedHosts: [],
    trustedProxies: [],
    workers: 1,
    uploads: { memoryBytes: 256 * 1024 * 1024, diskBytes: 4096 * 1024 * 1024 },
    readAheadBytes: 256 * 1024 * 1024,
    drainTimeoutMs: 30_000,
    log: { level: "info", levels: {}, format: "text" },
    tokenCache: { backend: "memory" },
    audit: undefined,
    proxy: undefined,
    servers: config.servers,
    rateLimit: undefined,
    tracing: false,
    warnings: [],
  });
  assert.deepEqual(Object.fromEntries(config.servers), {
    a: {
      name: "a",
      url: "https://a.example",
      wadoUri: undefined,
      aliases: [],
      credentials: { kind: "none" },
      reach: { urls: [], possibleUrls: [], localUrls: [], files: [], state: false },
      warnings: [],
      tls: { caCertificatesPem: [] },
      profile: profiles.generic,
      readOnly: false,
      rateLimit: undefined,
      headers: {},
      http2: false,
      mayProxy: true,
      compression: true,
      maxTargetLength: 16_384,
      timeouts: {
        headersMs: 60_000,
        transferMs: 3_600_000,
        keepAliveMs: 30_000,
        tokenMs: 10_000,
      },
      resilience: {
        circuitBreaker: undefined,
        retry: {
          maxAttempts: 3,
          strategy: "exponential",
          initialDelayMs: 1_000,
          multiplier: 2,
          maxDelayMs: 30_000,
          incrementMs: 1_000,
        },
      },
      storeResilience: {
        maxConcurrent: 1024,
        maxQueued: 1024,
        queueMs: 10_000,
        retry: { maxAttempts: 2, initialDelayMs: 200, maxDelayMs: 5_000, budget: 0.1 },
        circuitBreaker: undefined,
      },
    },
  });
});

Deno.test("parseConfig reads every key of the section, numbers and booleans also from variables", async () => {
  const key = btoa("0123456789abcdef0123456789abcdef");
  const config = await parseSection({
    ConfigVersion: "2.0",
    LogLevel: "debug",
    LogFormat: "json",
    Listen: {
      Address: "::",
      Port: "${PORT}",
      Tls: { CertificateFile: "cert.pem", KeyFile: "key.pem" },
      AllowUnauthenticated: "${OPEN:-true}",
    },
    StateDirectory: "state",
    TokenCache: { Backend: "redis", Url: "rediss://:pw@cache:6380/1", EncryptionKey: [key, key] },
    PublicUrl: "https://Gateway.example/dicom/",
    Workers: "2",
    DrainTimeoutSeconds: 1.5,
    Proxy: { Url: "http://proxy:3128", Username: "u", Password: "p" },
    RateLimitRequests: 10,
    RateLimitWindowSeconds: 30,
    Servers: {
      a: { ProviderType: "none", Url: "https://a.example", Http2: "true", VerifySSL: "true" },
    },
  }, {
    env: { PORT: "9443" },
    files: {
      "/srv/gateway/cert.pem": CERTIFICATE_PEM,
      "/srv/gateway/key.pem": KEY_PEM,
    },
  });
  assert.equal(config.listen.address, "::");
  assert.equal(config.listen.port, 9443);
  assert.equal(config.listen.tls?.certificatePem, CERTIFICATE_PEM);
  assert.match(config.listen.tls?.keyPem.reveal() ?? "", /BEGIN PRIVATE KEY/);
  assert.equal(config.stateDirectory, "/srv/gateway/state");
  assert.equal(config.publicUrl, "https://gateway.example/dicom");
  assert.equal(config.workers, 2);
  assert.equal(config.drainTimeoutMs, 1_500);
  assert.deepEqual(config.log, { level: "debug", levels: {}, format: "json" });
  assert(config.tokenCache.backend === "redis");
  const { mode, urls } = config.tokenCache.location;
  assert.equal(mode, "single");
  assert.deepEqual(urls.map((url) => url.reveal()), ["rediss://:pw@cache:6380/1"]);
  assert.deepEqual(config.tokenCache.encryptionKeys.map((secret) => secret.reveal()), [key, key]);
  assert.equal(config.proxy?.url, "http://proxy:3128/");
  assert.equal(config.proxy?.username, "u");
  assert.equal(config.proxy?.password?.reveal(), "p");
  assert.deepEqual(config.rateLimit, { requests: 10, windowMs: 30_000 });
  assert.equal(config.servers.get("a")?.http2, true);
});

for (
  const [url, key, compression] of [
    ["https://store.example", undefined, true],
    ["http://10.0.0.7:8042", undefined, false],
    ["https://store.example", false, false],
    ["http://127.0.0.1:8042", "true", true],
  ] as const
) {
  Deno.test(`parseConfig: ${url} with Compression ${key} ${compression ? "may" : "must not"} compress`, async () => {
    const a = { ProviderType: "none", Url: url, ...(key !== undefined && { Compression: key }) };
    const config = await parseSection({ Servers: { a } });
    assert.equal(config.servers.get("a")?.compression, compression);
  });
}

Deno.test("parseConfig normalizes StoreAliases like Url", async () => {
  const StoreAliases = ["http://Orthanc:8042/dicom-web/", "https://old.example"];
  const a = { ProviderType: "none", Url: "https://a.example/rs/", StoreAliases };
  const { aliases, url } = (await parseSection({ Servers: { a } })).servers.get("a")!;
  assert.equal(url, "https://a.example/rs");
  assert.deepEqual(aliases, ["http://orthanc:8042/dicom-web", "https://old.example"]);
});

Deno.test("parseConfig reads an IPv6 loopback address as safe", async () => {
  const { listen, warnings } = await parseSection({
    Listen: { Address: "::1", Port: 0 },
    Servers: { a: { ProviderType: "none", Url: "http://[fd00::7]:8042/dicom-web" } },
  });
  assert.equal(listen.address, "::1");
  assert.deepEqual(warnings, []);
});

Deno.test("parseConfig warns of what is allowed but dangerous", async () => {
  const { warnings } = await parseSection({
    Listen: { Address: "0.0.0.0", AllowUnauthenticated: true },
    TokenCache: {
      Backend: "redis",
      Url: "redis://:pw@cache.example",
      EncryptionKey: btoa("0123456789abcdef0123456789abcdef"),
    },
    RateLimitRequests: 5,
    Servers: {
      lab: {
        Url: "http://store.example/",
        TokenEndpoint: "http://idp.example/token",
        ClientId: "c",
        ClientSecret: "s",
        JWTIssuer: "https://idp.example",
      },
      local: {
        Url: "http://127.0.0.1:8042/dicom-web",
        TokenEndpoint: "http://localhost:8080/token",
        ClientId: "c",
        ClientSecret: "s",
      },
    },
  });
  assert.deepEqual(warnings?.map((warning) => warning.split(": ")[0]), [
    "DicomWebOAuth.Listen.AllowUnauthenticated",
    "DicomWebOAuth.TokenCache.Url",
    "DicomWebOAuth.Servers.lab.Url",
    "DicomWebOAuth.Servers.lab.TokenEndpoint",
    "DicomWebOAuth.Servers.lab.JWTIssuer",
  ]);
});

Deno.test("parseConfig reports every problem of a file at once, each by its key path", async () => {
  const problems = await problemsOf({
    ConfigVersion: "3.0",
    DicomWebOAuth: {
      LogLevl: "INFO",
      Listen: { Address: "0.0.0.0", Port: "high", Tls: { CertificateFile: "absent.pem" } },
      TokenCache: { Backend: "redis", EncryptionKey: "short" },
      Workers: 0,
      Servers: {
        one: {
          Url: "https://u:p@one.example/?q",
          ClientSecert: "s",
          VerifySSL: false,
          Timeouts: { HeaderSeconds: 3, TokenSeconds: -1 },
          TokenParameters: { grant_type: "password", level: 3 },
        },
        "two words": { ProviderType: "Azure", Url: 2 },
        three: {
          Url: "${UNSET}",
          TokenEndpoint: "idp.example/token",
          ClientId: "",
          ClientSecret: "${file:/absent}",
          ClientAuthentication: "basic",
        },
        four: "https://four.example",
      },
    },
  });
  assert.deepEqual(
    problems.map(({ code, path }) => `${code} ${path}`).sort(),
    [
      "CFG-001 DicomWebOAuth.Listen.Tls.KeyFile",
      "CFG-001 DicomWebOAuth.Servers.one.ClientId",
      "CFG-001 DicomWebOAuth.Servers.one.ClientSecret",
      "CFG-001 DicomWebOAuth.Servers.one.TokenEndpoint",
      "CFG-001 DicomWebOAuth.TokenCache.Url",
      "CFG-002 ConfigVersion",
      "CFG-002 DicomWebOAuth.Listen.Address",
      "CFG-002 DicomWebOAuth.Listen.Port",
      "CFG-002 DicomWebOAuth.Listen.Tls.CertificateFile",
      "CFG-002 DicomWebOAuth.LogLevl",
      "CFG-002 DicomWebOAuth.Servers.four",
      "CFG-002 DicomWebOAuth.Servers.one.ClientSecert",
      "CFG-002 DicomWebOAuth.Servers.one.Timeouts.HeaderSeconds",
      "CFG-002 DicomWebOAuth.Servers.one.Timeouts.TokenSeconds",
      "CFG-002 DicomWebOAuth.Servers.one.TokenParameters.grant_type",
      "CFG-002 DicomWebOAuth.Servers.one.TokenParameters.level",
      "CFG-002 DicomWebOAuth.Servers.one.Url",
      "CFG-002 DicomWebOAuth.Servers.one.VerifySSL",
      "CFG-002 DicomWebOAuth.Servers.three.ClientAuthentication",
      "CFG-002 DicomWebOAuth.Servers.three.ClientId",
      "CFG-002 DicomWebOAuth.Servers.three.TokenEndpoint",
      'CFG-002 DicomWebOAuth.Servers["two words"]',
      'CFG-002 DicomWebOAuth.Servers["two words"].ProviderType',
      'CFG-002 DicomWebOAuth.Servers["two words"].Url',
      "CFG-002 DicomWebOAuth.TokenCache.EncryptionKey",
      "CFG-002 DicomWebOAuth.Workers",
      "CFG-003 DicomWebOAuth.Servers.three.ClientSecret",
      "CFG-003 DicomWebOAuth.Servers.three.Url",
    ].sort(),
  );
});

Deno.test("The message of a ConfigError contains all problems, and no value of the file", async () => {
  const marked = "MARKED-S3CRET";
  const section = {
    LogLevel: marked,
    LogFormat: marked,
    Workers: marked,
    Listen: { Address: `${marked}!`, Port: marked },
    TokenCache: { Backend: marked, EncryptionKey: marked },
    Proxy: { Url: `http://u:${marked}@p` },
    Servers: {
      one: {
        Url: `https://u:${marked}@one.example`,
        TokenEndpoint: marked,
        ClientId: [marked],
        ClientSecret: { value: marked },
        ProviderType: "none",
        JWTPublicKey: marked,
        JWTAlgorithms: [marked],
        VerifySSL: [marked],
      },
      two: {
        Url: "https://two.example",
        TokenEndpoint: `${marked}\${`,
        ClientId: "\${UNSET}" + marked,
        ClientSecret: `a\${b!}${marked}`,
        ClientAuthentication: marked,
        TenantId: `${marked}!`,
        ResilienceConfig: { RetryStrategy: marked },
      },
      three: { ProviderType: marked, Url: "https://three.example" },
    },
  };
  await assert.rejects(parseSection(section), (error: unknown) => {
    assert(error instanceof ConfigError);
    assert(!Deno.inspect(error, { depth: 10 }).includes(marked), Deno.inspect(error));
    for (const { code, path, message } of error.problems) {
      assert(error.message.includes(`${code} ${path}: ${message}`));
    }
    assert(error.problems.length > 15);
    return true;
  });
});

Deno.test("The configuration cannot be changed, at any depth", async () => {
  const config = await parseSection({
    Servers: {
      a: { Url: "https://a.example", TenantId: "t", ClientId: "c", ClientSecret: "s" },
    },
  });
  const server = config.servers.get("a");
  assert(server?.credentials.kind === "client_credentials");
  const { credentials, resilience } = server;
  const changes = [
    () => Object.assign(config, { workers: 9 }),
    () => Object.assign(config.listen, { port: 9 }),
    () => Object.assign(server, { url: "https://evil.example" }),
    () => Object.assign(credentials.tokenParameters, { x: "y" }),
    () => Object.assign(resilience.retry, { maxAttempts: 9 }),
    () => (config.servers as Map<string, unknown>).set("b", server),
    () => (config.servers as Map<string, unknown>).delete("a"),
    () => (config.servers as Map<string, unknown>).clear(),
  ];
  for (const change of changes) assert.throws(change, TypeError);
  assert.equal(config.servers.size, 1);
});

Deno.test("Secrets of the configuration are never printed", async () => {
  const key = btoa("0123456789abcdef0123456789abcdef");
  const config = await parseSection({
    TokenCache: { Backend: "redis", Url: "redis://:MARKED@cache", EncryptionKey: key },
    Proxy: { Url: "http://proxy:3128", Username: "u", Password: "MARKED" },
    Servers: {
      a: { Url: "https://a.example", TenantId: "t", ClientId: "c", ClientSecret: "MARKED" },
    },
  });
  const shown = Deno.inspect(config, { depth: 20 }) +
    JSON.stringify([config, ...config.servers.values()]);
  assert(!shown.includes("MARKED"));
  assert(!shown.includes(key));
  const { credentials } = config.servers.get("a")!;
  assert(credentials.kind === "client_credentials");
  const { clientAuthentication } = credentials;
  assert("clientSecret" in clientAuthentication);
  assert(clientAuthentication.clientSecret instanceof Secret);
  assert.equal(clientAuthentication.clientSecret.reveal(), "MARKED");
});

Deno.test("parseConfig: a server can have a rate limit of its own; 0 is unlimited", async () => {
  const server = { ProviderType: "none", Url: "https://a.example" };
  const { rateLimit, servers } = await parseSection({
    RateLimitRequests: 100,
    Servers: {
      a: server,
      b: { ...server, RateLimitRequests: 5, RateLimitWindowSeconds: 1.5 },
      c: { ...server, RateLimitRequests: "0" },
    },
  });
  assert.deepEqual(rateLimit, { requests: 100, windowMs: 60_000 });
  assert.deepEqual([...servers.values()].map((each) => each.rateLimit), [
    undefined,
    { requests: 5, windowMs: 1500 },
    "unlimited",
  ]);
  const [problem] = await problemsOf({
    DicomWebOAuth: { Servers: { a: { ...server, RateLimitWindowSeconds: 5 } } },
  });
  assert.equal(problem?.path, "DicomWebOAuth.Servers.a.RateLimitRequests");
});
