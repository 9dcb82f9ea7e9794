/**
 * The rules of the section's keys, one row each.
 */
import assert from "node:assert/strict";
import { CERTIFICATE_PEM, KEY_PEM } from "../fixtures/lasting_certificate.ts";
import { assertProblem, problemsOf, sectionProblems } from "./memory_files.ts";

const KEY = btoa("0123456789abcdef0123456789abcdef");
const SENTINEL = { Name: "tokens", Nodes: ["redis://sentinel:26379"] };

function sentinelAt(...nodes: string[]): Readonly<Record<string, unknown>> {
  const cache = { Backend: "redis", EncryptionKey: KEY, Url: ["redis://a/1", "redis://b/1"] };
  return { TokenCache: { ...cache, Sentinel: { ...SENTINEL, Nodes: nodes } } };
}

const FORM = "must be 32 random bytes in base64, as `openssl rand -base64 32` prints them";
const LEVELS = 'must be one of "DEBUG", "INFO", "WARNING", "ERROR"';
const URL_START = "must be a URL that starts with https:// or http://";

type Row = readonly [section: Record<string, unknown>, problem: string];

const rows: readonly Row[] = [
  // Required keys.
  [{ Servers: {} }, "CFG-001 Servers: must name at least one server"],
  [{ Servers: undefined }, "CFG-001 Servers: is missing"],
  [{ Servers: [] }, "CFG-002 Servers: must be an object"],
  [{ Servers: null }, "CFG-002 Servers: must be an object"],
  // Unknown keys.
  [{ Server: {} }, "CFG-002 Server: unknown key; the nearest known one is Servers"],
  [{ listen: {} }, "CFG-002 listen: unknown key; the nearest known one is Listen"],
  [
    { Colour: 1 },
    "CFG-002 Colour: unknown key; the configuration reference lists the known ones",
  ],
  [
    { VerifySSL: true },
    "CFG-002 VerifySSL: belongs to a server: DicomWebOAuth.Servers.{name}.VerifySSL",
  ],
  [
    { StoreResilience: {} },
    "CFG-002 StoreResilience: belongs to a server: DicomWebOAuth.Servers.{name}.StoreResilience",
  ],
  [
    { EnableMetrics: true },
    "CFG-002 EnableMetrics: has no effect: metrics are always served, at /dicomweb-oauth/metrics; remove it",
  ],
  [
    { Listen: { Adress: "127.0.0.1" } },
    "CFG-002 Listen.Adress: unknown key; the nearest known one is Address",
  ],
  [
    { Listen: { Tls: { CertificateFile: "c", KeyFile: "k", KeyFiel: "k" } } },
    "CFG-002 Listen.Tls.KeyFiel: unknown key; the nearest known one is KeyFile",
  ],
  // Version, logging.
  [{ ConfigVersion: "2.1" }, 'CFG-002 ConfigVersion: must be one of "1", "2", "1.0", "2.0"'],
  [{ LogLevel: "LOUD" }, `CFG-002 LogLevel: ${LEVELS}`],
  [{ LogLevel: "WARNNING" }, `CFG-002 LogLevel: ${LEVELS}; the nearest is "WARNING"`],
  [{ LogLevel: 1 }, `CFG-002 LogLevel: ${LEVELS}`],
  [{ LogFormat: "xml" }, 'CFG-002 LogFormat: must be one of "text", "json"'],
  // Listening.
  [{ Listen: "127.0.0.1" }, "CFG-002 Listen: must be an object"],
  // A key in the place of its path is not quoted.
  ...[
    KEY_PEM,
    JSON.stringify({ type: "service_account", private_key: KEY_PEM }),
    btoa(KEY_PEM),
  ].map((key): Row => [
    { Listen: { Tls: { CertificateFile: "c", KeyFile: key } } },
    "CFG-002 Listen.Tls.KeyFile: must be the path of a file, not what the file holds",
  ]),
  [{ StateDirectory: KEY_PEM }, "CFG-002 StateDirectory: must be the path of a file, not what"],
  [
    { TokenCache: { Backend: "redis", Url: `redis://a/\${file:${KEY_PEM}}`, EncryptionKey: KEY } },
    "CFG-003 TokenCache.Url: must be the path of a file, not what the file holds",
  ],
  // A list in the place of an object has none of the keys that rules read.
  [{ Listen: [] }, "CFG-002 Listen: must be an object"],
  [{ Listen: { Tls: [] } }, "CFG-002 Listen.Tls: must be an object"],
  [{ TokenCache: [] }, "CFG-002 TokenCache: must be an object"],
  [{ Audit: ["trail.log"] }, "CFG-002 Audit: must be an object"],
  [{ Authentication: [] }, "CFG-002 Authentication: must be an object"],
  [
    { Authentication: { Jwt: { keycloak: [] } } },
    "CFG-002 Authentication.Jwt.keycloak: must be an",
  ],
  [{ Permissions: {} }, "CFG-002 Permissions: must be a list"],
  [{ Proxy: [] }, "CFG-002 Proxy: must be an object"],
  [{ Cors: [] }, "CFG-002 Cors: must be an object"],
  [
    { TrustedProxies: ["proxy.example"] },
    "CFG-002 TrustedProxies[0]: must be an IP address or a network such as 10.1.0.0/16",
  ],
  [{ Listen: { Port: 65_536 } }, "CFG-002 Listen.Port: must be at most 65535"],
  [{ Listen: { Port: -1 } }, "CFG-002 Listen.Port: must be at least 0"],
  [{ Listen: { Port: 80.5 } }, "CFG-002 Listen.Port: must be a whole number"],
  [{ Listen: { Port: "http" } }, "CFG-002 Listen.Port: must be a number"],
  [{ Listen: { Port: null } }, "CFG-002 Listen.Port: must be a number"],
  [
    { Listen: { Address: "[::1]" } },
    "CFG-002 Listen.Address: must be an IP address or a host name",
  ],
  [{ Listen: { Address: 127 } }, "CFG-002 Listen.Address: must be a string"],
  [{ Listen: { Address: "0.0.0.0" } }, "CFG-002 Listen.Address: must be loopback"],
  [{ Listen: { Address: "::" } }, "CFG-002 Listen.Address: must be loopback"],
  [{ Listen: { Address: "gateway.hospital.example" } }, "CFG-002 Listen.Address: must be loopback"],
  [
    { Listen: { Address: "10.0.0.1", AllowUnauthenticated: false } },
    "CFG-002 Listen.Address: must be loopback",
  ],
  [
    { Listen: { AllowUnauthenticated: "yes" } },
    "CFG-002 Listen.AllowUnauthenticated: must be true or false",
  ],
  [
    { Listen: { Tls: { KeyFile: "key.pem" } } },
    "CFG-001 Listen.Tls.CertificateFile: is missing",
  ],
  [
    { Listen: { Tls: { CertificateFile: "key.pem", KeyFile: "key.pem" } } },
    "CFG-002 Listen.Tls.CertificateFile: must be a PEM file with at least one certificate (BEGIN CERTIFICATE)",
  ],
  [
    { Listen: { Tls: { CertificateFile: "cert.pem", KeyFile: "cert.pem" } } },
    "CFG-002 Listen.Tls.KeyFile: must be a PEM file with a private key (BEGIN PRIVATE KEY)",
  ],
  [
    { Listen: { Tls: { CertificateFile: "cert.pem", KeyFile: "locked.pem" } } },
    "CFG-002 Listen.Tls.KeyFile: must contain the private key without a passphrase",
  ],
  // Token cache.
  [
    { TokenCache: { Backend: "sqlite" } },
    'CFG-002 TokenCache.Backend: must be one of "memory", "kv", "redis"',
  ],
  [
    { TokenCache: { Url: "https://kv.example" } },
    `CFG-001 TokenCache.EncryptionKey: Backend "kv" with Url needs EncryptionKey: ${FORM}`,
  ],
  [
    { TokenCache: { Backend: "redis", Url: "redis://cache" } },
    `CFG-001 TokenCache.EncryptionKey: Backend "redis" needs EncryptionKey: ${FORM}`,
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY } },
    'CFG-001 TokenCache.Url: Backend "redis" needs Url, as in redis://cache:6379',
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: "https://cache" } },
    "CFG-002 TokenCache.Url: must be a URL that starts with redis:// or rediss://",
  ],
  [{ Audit: {} }, "CFG-001 Audit.File: is missing: it says where the records are written"],
  [
    { Audit: { To: "syslog" } },
    'CFG-001 Audit.Syslog: To "syslog" needs Syslog with its Host',
  ],
  [
    { Audit: { To: "stdout", Uids: "hashed" } },
    'CFG-001 Audit.Key: Uids "hashed" needs Key: a hash without one can be found by trying all UIDs ' +
    "there are",
  ],
  [
    { StateDirectory: "/srv/state", Audit: { File: "/srv/state/audit/a.jsonl" } },
    "CFG-002 Audit.File: must not be in StateDirectory: workers may write there",
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: "redis://cache/tokens" } },
    "CFG-002 TokenCache.Url: must end after the port or with a database number, as in " +
    "redis://cache:6379/2",
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: "redis://*" } },
    "CFG-002 TokenCache.Url: must be a URL that starts with redis:// or rediss://",
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: ["redis://a", "redis//b"] } },
    "CFG-002 TokenCache.Url[1]: must be a URL that starts with redis:// or rediss://",
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: ["redis://a/1"] } },
    "CFG-002 TokenCache.Url[0]: must end after the port: a Redis Cluster has database 0 only",
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: ["redis://:p@a", "redis://b"] } },
    "CFG-002 TokenCache.Url[1]: must have the scheme, user, password and database of the first URL",
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: [] } },
    "CFG-002 TokenCache.Url: must not be empty",
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Url: 7 } },
    "CFG-002 TokenCache.Url: must be a URL, or a list of URLs",
  ],
  [
    { TokenCache: { Backend: "kv", EncryptionKey: KEY, Url: ["https://kv.example"] } },
    'CFG-002 TokenCache.Url: must be one URL with Backend "kv"',
  ],
  [
    { TokenCache: { Backend: "redis", EncryptionKey: KEY, Sentinel: SENTINEL } },
    'CFG-001 TokenCache.Url: Backend "redis" needs Url, as in redis://cache:6379',
  ],
  [
    { TokenCache: { Sentinel: SENTINEL } },
    'CFG-002 TokenCache.Sentinel: has no effect with Backend "kv"; remove it',
  ],
  [
    sentinelAt("redis://sentinel"),
    "CFG-002 TokenCache.Sentinel.Nodes[0]: must name the port, usually 26379",
  ],
  [
    sentinelAt("sentinel:26379"),
    "CFG-002 TokenCache.Sentinel.Nodes[0]: must be a URL that starts with redis:// or rediss://",
  ],
  [
    sentinelAt("redis://sentinel:26379/1"),
    "CFG-002 TokenCache.Sentinel.Nodes[0]: must end after the port: Sentinel has no databases",
  ],
  [
    sentinelAt("redis://one:26379", "rediss://two:26379"),
    "CFG-002 TokenCache.Sentinel.Nodes[1]: must have the scheme, user, password and database of " +
    "the first URL",
  ],
  [
    { TokenCache: { Backend: "kv", EncryptionKey: KEY, Url: "cache" } },
    `CFG-002 TokenCache.Url: ${URL_START}`,
  ],
  [
    { TokenCache: { EncryptionKey: KEY, Url: "redis://cache" } },
    'CFG-002 TokenCache.Url: is that of a Redis server: add "Backend": "redis"',
  ],
  [
    { TokenCache: { Backend: "memory", Url: "redis://cache" } },
    'CFG-002 TokenCache.Url: has no effect with Backend "memory"; remove it',
  ],
  [
    { TokenCache: { Backend: "memory", EncryptionKey: KEY } },
    'CFG-002 TokenCache.EncryptionKey: has no effect with Backend "memory"; remove it',
  ],
  [
    { TokenCache: { Backend: "kv", EncryptionKey: btoa("too short") } },
    `CFG-002 TokenCache.EncryptionKey: ${FORM}`,
  ],
  [
    { TokenCache: { Backend: "kv", EncryptionKey: [KEY, "x"] } },
    `CFG-002 TokenCache.EncryptionKey[1]: ${FORM}`,
  ],
  [
    { TokenCache: { Backend: "kv", EncryptionKey: [] } },
    "CFG-002 TokenCache.EncryptionKey: must not be empty",
  ],
  [
    { TokenCache: { Backend: "kv", EncryptionKey: 7 } },
    `CFG-002 TokenCache.EncryptionKey: ${FORM}, or a list of such keys`,
  ],
  // The rest.
  [{ StateDirectory: "" }, "CFG-002 StateDirectory: must not be empty"],
  [{ PublicUrl: "gateway.example" }, `CFG-002 PublicUrl: ${URL_START}`],
  [{ PublicUrl: "https://g.example/?x" }, "CFG-002 PublicUrl: must not contain a query (?…)"],
  [{ Workers: 0 }, "CFG-002 Workers: must be at least 1"],
  [{ Workers: 65 }, "CFG-002 Workers: must be at most 64"],
  [{ DrainTimeoutSeconds: -1 }, "CFG-002 DrainTimeoutSeconds: must be at least 0"],
  [{ DrainTimeoutSeconds: "30s" }, "CFG-002 DrainTimeoutSeconds: must be a number"],
  [{ Proxy: {} }, "CFG-001 Proxy.Url: is missing"],
  [
    { Proxy: { Url: "http://u:p@proxy" } },
    "CFG-002 Proxy.Url: must not contain a user name or password",
  ],
  [
    { Proxy: { Url: "http://wpad/proxy.pac" } },
    "CFG-002 Proxy.Url: must not have a path: proxy auto-configuration (PAC) is not supported; its " +
    "file names the proxy",
  ],
  [
    { Proxy: { Url: "http://proxy", Username: "u" } },
    "CFG-001 Proxy.Password: Username needs Password",
  ],
  [
    { Proxy: { Url: "http://proxy", Password: "p" } },
    "CFG-001 Proxy.Username: Password needs Username",
  ],
  ...[
    "*",
    "*.example",
    "10.0.0.0/33",
    "http://pacs",
    "pacs:443",
    "10.0.0",
    "..example",
    "0xa.1.2.3",
    ".[fd00::1]",
  ].map((
    each,
  ): [Record<string, unknown>, string] => [
    { Proxy: { Url: "http://proxy", Except: [each] } },
    "CFG-002 Proxy.Except[0]: must be a host name, a domain such as .hospital.example, an IP address " +
    "or a network such as 10.1.0.0/16",
  ]),
  [{ RateLimitRequests: 0 }, "CFG-002 RateLimitRequests: must be at least 1"],
  [
    { RateLimitWindowSeconds: 60 },
    "CFG-001 RateLimitRequests: is missing: RateLimitWindowSeconds alone limits nothing",
  ],
];

const files = {
  "/srv/gateway/cert.pem": CERTIFICATE_PEM,
  "/srv/gateway/key.pem": "-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----",
  "/srv/gateway/locked.pem":
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----",
  "/srv/gateway/c": CERTIFICATE_PEM,
  "/srv/gateway/k": KEY_PEM,
};

for (const [section, problem] of rows) {
  Deno.test(`parseConfig: ${JSON.stringify(section)}: ${problem.slice(0, 60)}`, async () => {
    const servers = { a: { ProviderType: "none", Url: "https://a.example" } };
    const problems = await sectionProblems(
      { Servers: servers, ...section },
      { files, env: { DENO_KV_ACCESS_TOKEN: "x" } },
    );
    assertProblem(problems, problem);
  });
}

Deno.test("parseConfig names both remedies for an address beyond loopback", async () => {
  const [problem] = await problemsOf({
    DicomWebOAuth: {
      Listen: { Address: "0.0.0.0" },
      Servers: { a: { ProviderType: "none", Url: "https://a.example" } },
    },
  });
  assert.match(problem?.message ?? "", /loopback \(127\.0\.0\.1.*AllowUnauthenticated to true/);
});

Deno.test("parseConfig applies the same rules to an address of the command line", async () => {
  const content = {
    DicomWebOAuth: { Servers: { a: { ProviderType: "none", Url: "https://a.example" } } },
  };
  const problems = await problemsOf(content, { listen: { address: "0.0.0.0" } });
  assert.deepEqual(problems.map(({ path }) => path), ["DicomWebOAuth.Listen.Address"]);
});
