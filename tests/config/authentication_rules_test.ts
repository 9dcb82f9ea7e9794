/**
 * The rules of `Authentication`, one row each.
 */
import assert from "node:assert/strict";
import { knownHosts } from "../../src/config/keys/known_hosts.ts";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { CERTIFICATE_PEM, KEY_PEM } from "../fixtures/lasting_certificate.ts";
import { assertProblem, parseSection, problemsOf, sectionProblems } from "./memory_files.ts";

const SALT = "CpEh2u0aZskWFN4O+2Ku7Q";
const DIGEST = "aXZpjfwOUdeQlfY8AWfq964wz4sw1tydqia/oz4XALA";
const HASH = `$scrypt$ln=15,r=8,p=3$${SALT}$${DIGEST}`;
const KEY = `sha256:${"ab".repeat(32)}`;
const ISSUER = { Issuer: "https://idp.example", Audience: "gateway" };
const FORM = "must be a hash as the command hash-password prints it ($scrypt$ln=…)";
const WEAK = "is a hash too weak to be safe; make another with the command hash-password";
const SLOW = "takes too long to check; make another with the command hash-password";

const users = (...lines: string[]) => ({
  files: { "/srv/gateway/users": lines.join("\n") },
  authentication: { Basic: { UsersFile: "users" } },
});

type Row = readonly [authentication: unknown, problem: string, files?: Record<string, string>];

const rows: readonly Row[] = [
  [{}, "CFG-001 Authentication: must contain Basic, ApiKeys or Jwt"],
  ["open", "CFG-002 Authentication: must be an object"],
  [{ Basik: {} }, "CFG-002 Authentication.Basik: unknown key; the nearest known one is Basic"],
  [{ Basic: {} }, "CFG-001 Authentication.Basic: needs Users or UsersFile"],
  [{ Basic: { Users: {} } }, "CFG-002 Authentication.Basic.Users: must name at least one user"],
  [{ Basic: { Users: { a: "secret" } } }, `CFG-002 Authentication.Basic.Users.a: ${FORM}`],
  [
    { Basic: { Users: { a: `$scrypt$ln=10,r=8,p=1$${SALT}$${DIGEST}` } } },
    `CFG-002 Authentication.Basic.Users.a: ${WEAK}`,
  ],
  [
    { Basic: { Users: { a: `$scrypt$ln=15,r=8,p=3$c2FsdA$${DIGEST}` } } },
    `CFG-002 Authentication.Basic.Users.a: ${WEAK}`,
  ],
  [
    { Basic: { Users: { a: `$scrypt$ln=15,r=8,p=3$${SALT}$YQ` } } },
    `CFG-002 Authentication.Basic.Users.a: ${WEAK}`,
  ],
  [
    { Basic: { Users: { a: `$scrypt$ln=15,r=8,p=99$${SALT}$${DIGEST}` } } },
    `CFG-002 Authentication.Basic.Users.a: ${SLOW}`,
  ],
  [
    { Basic: { Users: { a: `$scrypt$ln=19,r=8,p=1$${SALT}$${DIGEST}` } } },
    `CFG-002 Authentication.Basic.Users.a: ${SLOW}`,
  ],
  [
    { Basic: { Users: { "a:b": HASH } } },
    'CFG-002 Authentication.Basic.Users["a:b"]: a user name must not contain a colon',
  ],
  [
    { Basic: { UsersFile: "absent" } },
    "CFG-002 Authentication.Basic.UsersFile: the file absent cannot be read",
  ],
  ...([
    [[""], "the file must have at least one user"],
    [["# nobody", "alice"], "line 2 of the file must start with a user name and a colon"],
    [["alice:secret"], `line 1 of the file ${FORM}`],
    [[`a:${HASH}`, `a:${HASH}`], "line 2 of the file repeats a user name"],
  ] as const).map(([lines, problem]): Row => {
    const { authentication, files } = users(...lines);
    return [authentication, `CFG-002 Authentication.Basic.UsersFile: ${problem}`, files];
  }),
  [{ ApiKeys: {} }, "CFG-001 Authentication.ApiKeys.Keys: is missing"],
  [
    { ApiKeys: { Keys: {} } },
    "CFG-001 Authentication.ApiKeys.Keys: must name at least one key",
  ],
  [
    { ApiKeys: { Keys: { a: "plain" } } },
    "CFG-002 Authentication.ApiKeys.Keys.a: must be sha256: and 64 hexadecimal digits",
  ],
  [
    { ApiKeys: { Keys: { "a b": KEY } } },
    'CFG-002 Authentication.ApiKeys.Keys["a b"]: the name of a key must start',
  ],
  [
    { ApiKeys: { Keys: { a: KEY, b: KEY.toUpperCase().replace("SHA", "sha") } } },
    "CFG-002 Authentication.ApiKeys.Keys.b: is the same key as another",
  ],
  ...["Authorization", "Cookie", "Content-Type", "Range", "X-Request-ID"].map((header): Row => [
    { ApiKeys: { Header: header, Keys: { a: KEY } } },
    "CFG-002 Authentication.ApiKeys.Header: must be a dedicated header",
  ]),
  [{ Jwt: {} }, "CFG-001 Authentication.Jwt: must name at least one issuer"],
  [
    { Jwt: { a: { Issuer: "https://idp.example" } } },
    "CFG-001 Authentication.Jwt.a.Audience: is missing",
  ],
  [
    { Jwt: { a: { ...ISSUER, Issuer: "https://idp.example/.well-known/openid-configuration" } } },
    "CFG-002 Authentication.Jwt.a.Issuer: must not contain /.well-known/",
  ],
  [{ Jwt: { a: { Audience: "gateway" } } }, "CFG-001 Authentication.Jwt.a.Issuer: is missing"],
  [
    { Jwt: { a: { ...ISSUER, Algorithms: ["HS256"] } } },
    "CFG-002 Authentication.Jwt.a.Algorithms[0]: must be one of",
  ],
  [
    { Jwt: { a: { ...ISSUER, Algorithms: ["none"] } } },
    "CFG-002 Authentication.Jwt.a.Algorithms[0]: must be one of",
  ],
  ...["common", "organizations", "{tenantid}"].map((name): Row => [
    { Jwt: { a: { ...ISSUER, Issuer: `https://login.microsoftonline.com/${name}/v2.0` } } },
    "CFG-002 Authentication.Jwt.a.Issuer: must name one tenant: write the GUID of yours",
  ]),
  [
    { Jwt: { a: { ...ISSUER, Issuer: "http://idp.example" } } },
    "CFG-002 Authentication.Jwt.a.Issuer: must be a URL that starts with https://",
  ],
  [
    { Jwt: { a: { ...ISSUER, JwksUri: "http://idp.example/keys" } } },
    "CFG-002 Authentication.Jwt.a.JwksUri: must be a URL that starts with https://",
  ],
  [
    { Jwt: { a: { ...ISSUER, JwksUri: "https://k.example", AllowedHosts: ["x.example"] } } },
    "CFG-002 Authentication.Jwt.a.AllowedHosts: has no effect together with JwksUri",
  ],
  [
    { Jwt: { a: ISSUER, b: ISSUER } },
    "CFG-002 Authentication.Jwt.b.Issuer: is already used by another issuer",
  ],
  [
    { Jwt: { "a:b": ISSUER } },
    'CFG-002 Authentication.Jwt["a:b"]: the name of an issuer must start',
  ],
  [
    { Jwt: { a: { ...ISSUER, RolesClaim: "a..b" } } },
    "CFG-002 Authentication.Jwt.a.RolesClaim: must be names of claims",
  ],
  [
    { Jwt: { a: { ...ISSUER, CaFile: "ca.pem" } } },
    "CFG-002 Authentication.Jwt.a.CaFile: must be a PEM file",
    { "/srv/gateway/ca.pem": "none" },
  ],
  [
    { Jwt: { a: { ...ISSUER, Audiense: "x" } } },
    "CFG-002 Authentication.Jwt.a.Audiense: unknown key; the nearest known one is Audience",
  ],
];

const SERVERS = { a: { ProviderType: "none", Url: "https://a.example" } };

for (const [authentication, problem, files = {}] of rows) {
  Deno.test(`Authentication: ${JSON.stringify(authentication)}: ${problem.slice(0, 70)}`, async () => {
    const section = { Servers: SERVERS, Authentication: authentication };
    const problems = await sectionProblems(section, { files });
    assertProblem(problems, problem);
    assert(!problems[0]!.includes(DIGEST) && !problems[0]!.includes("secret"), problems[0]);
  });
}

Deno.test("Authentication: all methods can be combined, and hashes are never printed", async () => {
  const config = await parseSection({
    Servers: SERVERS,
    Listen: { Address: "10.0.0.1" },
    Authentication: {
      Basic: { Users: { orthanc: HASH }, UsersFile: "users" },
      ApiKeys: { Keys: { viewer: KEY } },
      Jwt: {
        hospital: { ...ISSUER, AllowedHosts: ["keys.example"], RolesClaim: "realm_access.roles" },
        clinic: { ...ISSUER, Issuer: "urn:clinic", JwksUri: "https://clinic.example/keys" },
      },
    },
  }, { files: { "/srv/gateway/users": `# staff\r\nalice:${HASH}\r\n` } });
  const { authentication } = config;
  assert.deepEqual([...authentication!.users.keys()], ["orthanc", "alice"]);
  assert.equal(authentication!.users.get("alice")?.reveal(), HASH);
  assert.equal(authentication!.apiKeys?.header, "x-api-key");
  assert.equal(authentication!.apiKeys?.keys.get("viewer")?.reveal(), "ab".repeat(32));
  const { validation, rolesClaim } = authentication!.issuers.get("hospital")!;
  assert.deepEqual(validation.issuers, ["https://idp.example"]);
  assert.deepEqual(rolesClaim, ["realm_access", "roles"]);
  assert(!Deno.inspect(config, { depth: 20 }).includes(DIGEST));
  const hosts = networkAllowlist(config);
  for (const host of ["idp.example:443", "keys.example:443", "clinic.example:443"]) {
    assert(hosts.includes(host), host);
  }
});

Deno.test("Authentication: an address beyond loopback without it is an error that names it", async () => {
  const [problem] = await problemsOf({
    DicomWebOAuth: { Servers: SERVERS, Listen: { Address: "0.0.0.0" } },
  });
  assert.equal(problem?.code, "CFG-002");
  assert.match(problem?.message ?? "", /configure Authentication.* AllowUnauthenticated to true/);
});

/** Sections, and the keys of their warnings. */
const WARNINGS: readonly [section: Record<string, unknown>, keys: string[]][] = [
  [{ Listen: { Address: "0.0.0.0", AllowUnauthenticated: true } }, ["Listen.AllowUnauthenticated"]],
  [
    { Authentication: { ApiKeys: { Keys: { a: KEY } } }, Listen: { AllowUnauthenticated: true } },
    ["Listen.AllowUnauthenticated"],
  ],
  [
    { Authentication: { ApiKeys: { Keys: { a: KEY } } }, Listen: { Address: "10.0.0.1" } },
    ["Listen.Tls"],
  ],
  [
    {
      Authentication: { ApiKeys: { Keys: { a: KEY } } },
      Listen: { Address: "10.0.0.1" },
      TrustedProxies: ["10.0.0.2"],
    },
    [],
  ],
  [
    { Authentication: { ApiKeys: { Keys: { a: KEY } } }, AllowedHosts: ["pacs.example"] },
    ["AllowedHosts"],
  ],
  [{ Authentication: { ApiKeys: { Keys: { a: KEY } } } }, []],
];

for (const [section, keys] of WARNINGS) {
  Deno.test(`Authentication: ${JSON.stringify(section)} warns of ${keys}`, async () => {
    const { warnings } = await parseSection({ Servers: SERVERS, ...section });
    assert.deepEqual(
      warnings?.map((warning) => warning.split(": ")[0]),
      keys.map((key) => `DicomWebOAuth.${key}`),
    );
  });
}

Deno.test("knownHosts: names come from the address, PublicUrl, AllowedHosts and Cors", async () => {
  const config = await parseSection({
    Servers: SERVERS,
    PublicUrl: "https://Pacs.example:8443/x",
    AllowedHosts: ["Gateway.lan"],
    Cors: { AllowedOrigins: ["https://viewer.example:3000"] },
  });
  assert.deepEqual([...knownHosts(config)], [
    "localhost",
    "127.0.0.1",
    "gateway.lan",
    "pacs.example",
    "viewer.example",
  ]);
});

Deno.test("AllowedHosts: a host with a port or a wildcard is refused", async () => {
  for (const host of ["a:80", "*.example", ""]) {
    const [problem] = await problemsOf({
      DicomWebOAuth: { Servers: SERVERS, AllowedHosts: [host] },
    });
    assert.match(problem?.message ?? "", /must be a host name, without a port/);
  }
});

for (const name of ["authentication", "rate-limiting"]) {
  Deno.test(`The configuration that docs/security/${name}.md shows is right`, async () => {
    const page = new URL(`../../docs/security/${name}.md`, import.meta.url);
    const [, example] = /```json\n(.*?)\n```/s.exec(await Deno.readTextFile(page)) ?? [];
    const files = {
      "/etc/dicomweb-gateway/users": `alice:${HASH}`,
      "/srv/gateway/gateway.pem": CERTIFICATE_PEM,
      "/srv/gateway/gateway.key": KEY_PEM,
    };
    assert.deepEqual(await problemsOf(example!, { files }), []);
  });
}
