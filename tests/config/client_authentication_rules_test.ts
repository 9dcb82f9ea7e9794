/**
 * The rules of client authentication and of discovery of the token endpoint, one row each.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { generateKeyPairSync } from "node:crypto";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import type { ClientCredentials } from "../../src/config/schemes/oauth2/token_request.ts";
import { publishedKeys } from "../../src/config/sandbox/published_keys.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { assertProblem, parseSection, parseServer, serverProblems } from "./memory_files.ts";

const pem = (key: ReturnType<typeof generateKeyPairSync>["privateKey"]) =>
  String(key.export({ format: "pem", type: "pkcs8" }));
const RSA = pem(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
const P384 = pem(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
const named = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
  format: "jwk",
});
const P256_JWK = JSON.stringify({ ...named, kid: "in-the-jwk" });

const STORE = { Url: "https://store.example" };
const OAUTH = { ...STORE, TokenEndpoint: "https://idp.example/token", ClientId: "c" };
const SECRET_JWT = {
  ...OAUTH,
  ClientAuthentication: "client_secret_jwt",
  ClientSecret: "0123456789abcdef0123456789abcdef",
};
const KEY_JWT = { ...OAUTH, ClientAuthentication: "private_key_jwt", PrivateKey: RSA };
const TLS = { ...OAUTH, ClientAuthentication: "tls_client_auth" };
const SMART = {
  ...STORE,
  ProviderType: "smart",
  SmartBaseUrl: "https://ehr.example/fhir",
  ClientId: "c",
  Scope: "system/*.rs",
  PrivateKey: RSA,
};
const SECRET = { ClientId: "c", ClientSecret: "s", ...STORE };

type Keys = Readonly<Record<string, unknown>>;

async function credentials(keys: Keys): Promise<ClientCredentials> {
  const found = (await parseServer(keys)).credentials;
  assert(found.kind === "client_credentials");
  return found;
}

const wrong: readonly (readonly [base: Keys, keys: Keys, problem: string])[] = [
  [
    SECRET_JWT,
    { ClientSecret: undefined },
    "CFG-001 ClientSecret: OAuth2 with client_secret_jwt needs ClientSecret",
  ],
  [
    SECRET_JWT,
    { AssertionAlgorithm: "RS256" },
    'CFG-002 AssertionAlgorithm: must be one of "HS256"',
  ],
  [
    KEY_JWT,
    { PrivateKey: undefined },
    "CFG-001 PrivateKey: OAuth2 with private_key_jwt needs PrivateKey",
  ],
  [KEY_JWT, { PrivateKey: [] }, "CFG-002 PrivateKey: must not be empty"],
  [KEY_JWT, { PrivateKey: "x" }, "CFG-002 PrivateKey: must be a private key: PEM"],
  [KEY_JWT, { PrivateKey: [RSA, "x"] }, "CFG-002 PrivateKey[1]: must be a private key: PEM"],
  [
    KEY_JWT,
    { AssertionAlgorithm: "ES256" },
    "CFG-002 AssertionAlgorithm: does not fit PrivateKey, which signs with RS256, RS384",
  ],
  [
    KEY_JWT,
    { AssertionAlgorithm: "HS256" },
    'CFG-002 AssertionAlgorithm: must be one of "RS256"',
  ],
  [
    KEY_JWT,
    { AssertionCertificate: RSA },
    "CFG-002 AssertionCertificate: must be a PEM text with a certificate",
  ],
  [
    KEY_JWT,
    { AssertionLifetimeSeconds: 3601 },
    "CFG-002 AssertionLifetimeSeconds: must be at most 3600",
  ],
  [
    KEY_JWT,
    { ClientSecret: "s" },
    'CFG-002 ClientSecret: belongs to ClientAuthentication "client_secret_post", "client_secret_basic"',
  ],
  [
    TLS,
    {},
    "CFG-001 ClientCertificate: OAuth2 with a client certificate needs ClientCertificate",
  ],
  [SMART, { SmartBaseUrl: undefined }, "CFG-001 SmartBaseUrl: SMART needs SmartBaseUrl or"],
  [SMART, { Scope: undefined }, "CFG-001 Scope: SMART needs Scope"],
  [SMART, { PrivateKey: undefined }, "CFG-001 PrivateKey: SMART needs PrivateKey"],
  [
    SMART,
    { AssertionLifetimeSeconds: 301 },
    "CFG-002 AssertionLifetimeSeconds: must be at most 300",
  ],
  [SMART, { TokenParameters: { scope: "x" } }, "CFG-002 TokenParameters.scope: has a key"],
  [
    SMART,
    { TokenEndpoint: "https://ehr.example/token" },
    "CFG-002 SmartBaseUrl: conflicts with TokenEndpoint",
  ],
  [
    SECRET,
    { Issuer: "https://idp.example", TokenEndpoint: "https://idp.example/token" },
    "CFG-002 Issuer: conflicts with TokenEndpoint; remove one of the two",
  ],
  [SECRET, { Issuer: "idp.example" }, "CFG-002 Issuer: must be a URL that starts with https://"],
  [SECRET, { Issuer: "https://idp.example/?a=b" }, "CFG-002 Issuer: must not contain a query"],
  [
    { ...OAUTH, ClientSecret: "s" },
    { AllowedHosts: ["login.example"] },
    "CFG-002 AllowedHosts: has no effect without Issuer; remove it",
  ],
  ...["https://a.example", "*.example", "a.example/x", "u@a.example", "a.example:", ""].map((
    host,
  ) =>
    [
      SECRET,
      { Issuer: "https://idp.example", AllowedHosts: [host] },
      "CFG-002 AllowedHosts[0]: must be a host name such as login.example, or host:port",
    ] as const
  ),
  [
    SECRET,
    { TokenEndpoint: "https://tenant.eu.auth0.com/oauth/token" },
    "CFG-001 Audience: Auth0 needs Audience",
  ],
  [
    SECRET,
    { ProviderType: "auth0", TokenEndpoint: "https://login.clinic.example/oauth/token" },
    "CFG-001 Audience: Auth0 needs Audience",
  ],
];
for (const [base, keys, problem] of wrong) {
  const what = JSON.stringify(keys, (_, value) => value ?? null).slice(0, 80);
  Deno.test(`parseConfig: client authentication with ${what}: ${problem.slice(0, 50)}`, async () => {
    assertProblem(await serverProblems({ ...base, ...keys }), problem);
  });
}

Deno.test("parseConfig warns of a secret that is too short to sign with", async () => {
  const { warnings } = await parseSection({
    Servers: { main: { ...SECRET_JWT, AssertionAlgorithm: "HS512" } },
  });
  assert.match(warnings?.join() ?? "", /ClientSecret: is shorter than the 64 bytes/);
});

Deno.test("parseConfig reads client_secret_jwt with its defaults", async () => {
  const { clientAuthentication } = await credentials(SECRET_JWT);
  assert(clientAuthentication.method === "client_secret_jwt");
  assert.equal(clientAuthentication.algorithm, "HS256");
  assert.deepEqual(clientAuthentication.assertion, { audience: undefined, lifetimeSeconds: 120 });
});

const keyIds: readonly (readonly [base: Keys, keys: Keys, kid: string | RegExp | undefined])[] = [
  [KEY_JWT, {}, undefined],
  [KEY_JWT, { KeyId: "2026" }, "2026"],
  [KEY_JWT, { PrivateKey: P256_JWK }, "in-the-jwk"],
  [KEY_JWT, { PrivateKey: P256_JWK, KeyId: "2026" }, "2026"],
  [SMART, {}, /^[\w-]{43}$/],
  [SMART, { KeyId: "2026" }, "2026"],
];
for (const [base, keys, kid] of keyIds) {
  Deno.test(`parseConfig: the kid of ${Object.keys(keys).join() || "a PEM"} is ${kid}`, async () => {
    const { clientAuthentication } = await credentials({ ...base, ...keys });
    assert(clientAuthentication.method === "private_key_jwt");
    const [{ keyId, publicJwk }] = clientAuthentication.keys;
    if (kid instanceof RegExp) assert.match(keyId ?? "", kid);
    else assert.equal(keyId, kid);
    if (keyId !== undefined) assert.equal(publicJwk["kid"], keyId);
  });
}

const algorithms: readonly (readonly [base: Keys, keys: Keys, algorithm: string])[] = [
  [KEY_JWT, {}, "RS256"],
  [KEY_JWT, { AssertionAlgorithm: "PS512" }, "PS512"],
  [KEY_JWT, { PrivateKey: P384 }, "ES384"],
  [SMART, {}, "RS384"],
  [SMART, { PrivateKey: P384 }, "ES384"],
  [SMART, { AssertionAlgorithm: "RS256" }, "RS256"],
];
for (const [base, keys, algorithm] of algorithms) {
  const title = base === SMART ? "SMART" : "private_key_jwt";
  Deno.test(`parseConfig: ${title} with ${Object.keys(keys).join() || "an RSA key"} signs with ${algorithm}`, async () => {
    const { clientAuthentication } = await credentials({ ...base, ...keys });
    assert(clientAuthentication.method === "private_key_jwt");
    assert.equal(clientAuthentication.keys[0].algorithm, algorithm);
  });
}

Deno.test("The keys of a rotation are all published, each once, and the first of them signs", async () => {
  const config = await parseSection({
    Servers: {
      a: { ...SMART, PrivateKey: [RSA, P384] },
      b: { ...SMART, PrivateKey: [P384, RSA] },
      c: { ...OAUTH, ClientSecret: "s" },
    },
  });
  const keys = publishedKeys(config.servers);
  assert.deepEqual(keys.map(({ alg }) => alg), ["RS384", "ES384"]);
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, 2);
  assert(!JSON.stringify(keys).includes('"d"'));
});

Deno.test("Private keys are never printed", async () => {
  const config = await parseSection({ Servers: { main: { ...KEY_JWT, PrivateKey: P256_JWK } } });
  const shown = Deno.inspect(config, { depth: 12 }) + JSON.stringify([...config.servers]);
  assert(!shown.includes(String(named.d)), shown);
});

const discoveries: readonly (readonly [keys: Keys, hosts: readonly string[]])[] = [
  [{ Issuer: "https://idp.example/r" }, ["idp.example:443"]],
  [{ Issuer: "http://127.0.0.1:8080", AllowedHosts: ["localhost"] }, [
    "127.0.0.1:8080",
    "localhost:80",
  ]],
  [
    {
      Issuer: "https://accounts.example",
      AllowedHosts: ["Login.Example", "x.example:8443", "accounts.example"],
    },
    ["accounts.example:443", "login.example:443", "x.example:8443"],
  ],
];
for (const [keys, hosts] of discoveries) {
  Deno.test(`The allowlist contains the hosts that ${keys["Issuer"]} may name, and no others`, async () => {
    const config = await parseSection({ Servers: { main: { ...SECRET, ...keys } } });
    const { tokenEndpoint } = await credentials({ ...SECRET, ...keys });
    assert.deepEqual(tokenEndpoint, { kind: "issuer", url: keys["Issuer"], allowedHosts: hosts });
    assert.deepEqual(networkAllowlist(config), [...hosts, "store.example:443"].sort());
  });
}

Deno.test("An issuer is not normalized", async () => {
  for (
    const Issuer of ["https://Tenant.example", "https://tenant.example:443/", "https://t.example//"]
  ) {
    const { tokenEndpoint } = await credentials({ ...SECRET, Issuer });
    assert(typeof tokenEndpoint === "object");
    assert.equal(tokenEndpoint.url, Issuer);
  }
});

const providers: readonly (readonly [keys: Keys, provider: string | undefined])[] = [
  [{ TokenEndpoint: "https://idp.example/token" }, undefined],
  [{ TokenEndpoint: "https://sso.example/realms/r/protocol/openid-connect/token" }, "keycloak"],
  [{ TokenEndpoint: "https://idp.example/token", ProviderType: "okta" }, "okta"],
  [{ TokenEndpoint: "https://idp.example/token", ProviderType: "generic" }, undefined],
  [{ Issuer: "https://clinic.okta.com/oauth2/default" }, "okta"],
  [{ TenantId: "contoso" }, "azure"],
];
for (const [keys, provider] of providers) {
  Deno.test(`parseConfig recognizes ${provider ?? "no provider"} in ${JSON.stringify(keys)}`, async () => {
    assert.equal((await credentials({ ...SECRET, ...keys })).provider, provider);
  });
}

Deno.test(needing(OPENSSL, {
  name: "The thumbprints of a certificate are sent, whether it is in the key's file or another",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { certificatePem, keyPem } = await authority.issue({
      commonName: "gateway",
      key: ["rsa:2048"],
    });
    const other = await authority.selfSigned("other");
    const thumbprints = async (keys: Keys) => {
      const { clientAuthentication } = await credentials({ ...KEY_JWT, ...keys });
      assert(clientAuthentication.method === "private_key_jwt");
      return clientAuthentication.certificate;
    };
    const expected = {
      sha1: await digest("SHA-1", certificatePem),
      sha256: await digest("SHA-256", certificatePem),
      expiresAtMs: Date.parse(new X509Certificate(certificatePem).validTo),
    };
    for (
      const keys of [
        { PrivateKey: keyPem, AssertionCertificate: certificatePem },
        { PrivateKey: keyPem, AssertionCertificate: other.certificatePem + certificatePem },
        { PrivateKey: keyPem + certificatePem },
        { PrivateKey: certificatePem + keyPem },
      ]
    ) assert.deepEqual(await thumbprints(keys), expected);
    assert.equal(await thumbprints({ PrivateKey: keyPem }), undefined);

    const problems = await serverProblems({
      ...KEY_JWT,
      PrivateKey: keyPem,
      AssertionCertificate: other.certificatePem,
    });
    assert.deepEqual(problems, [
      "CFG-002 AssertionCertificate: contains no certificate of the private key",
    ]);
    const cut = certificatePem.replace("MII", "MIJ");
    assert.deepEqual(
      await serverProblems({ ...KEY_JWT, PrivateKey: keyPem, AssertionCertificate: cut }),
      [
        "CFG-002 AssertionCertificate: contains a certificate that is damaged",
      ],
    );
    assert.deepEqual(
      await serverProblems({ ...KEY_JWT, PrivateKey: keyPem + other.certificatePem }),
      [
        "CFG-002 PrivateKey: contains no certificate of the private key",
      ],
    );
  },
}));

Deno.test(needing(OPENSSL, {
  name: "ClientCertificate is read, and rejected if certificate and key do not match",
  async fn() {
    await using authority = await CertificateAuthority.create();
    const { certificatePem, keyPem } = await authority.issue({ commonName: "gateway" });
    const other = await authority.selfSigned("other");
    const files = {
      "/srv/gateway/tls.crt": certificatePem + authority.certificatePem,
      "/srv/gateway/tls.key": keyPem,
      "/srv/gateway/both.pem": keyPem + certificatePem,
      "/srv/gateway/other.key": other.keyPem,
      "/srv/gateway/damaged.crt": certificatePem.replace("MII", "MIJ"),
    };
    const read = async (keys: Keys) =>
      (await parseServer({ ...TLS, ClientCertificate: keys }, { files })).tls.clientCertificate;
    const whole = await read({ CertificateFile: "tls.crt", KeyFile: "tls.key" });
    assert.equal(whole?.certificatePem.match(/BEGIN CERTIFICATE/g)?.length, 2);
    assert.equal(whole?.keyPem.reveal(), keyPem.trim());
    assert.deepEqual([whole?.toTokenEndpoint, whole?.toStore], [true, true]);
    const both = await read({ CertificateFile: "both.pem", PresentTo: "TokenEndpoint" });
    assert.equal(both?.keyPem.reveal(), keyPem.trim());
    assert.deepEqual([both?.toTokenEndpoint, both?.toStore], [true, false]);

    const problems = async (keys: Keys) =>
      await serverProblems({ ...TLS, ClientCertificate: keys }, { files });
    const table: [keys: Keys, problem: RegExp][] = [
      [{}, /^CFG-001 ClientCertificate.CertificateFile: is missing$/],
      [
        { CertificateFile: "none.crt" },
        /^CFG-002 ClientCertificate.CertificateFile: the file none.crt cannot be read/,
      ],
      [
        { CertificateFile: "tls.key" },
        /^CFG-002 ClientCertificate.CertificateFile: must be a PEM file with at least one cert/,
      ],
      [{ CertificateFile: "tls.crt" }, /CertificateFile: must be a PEM file with a private key/],
      [
        { CertificateFile: "tls.crt", KeyFile: "other.key" },
        /^CFG-002 ClientCertificate.KeyFile: is not the key of the first certificate/,
      ],
      [{ CertificateFile: "damaged.crt", KeyFile: "tls.key" }, /CertificateFile: .* damaged/],
      [
        { CertificateFile: "both.pem", PresentTo: "Store" },
        /^CFG-002 ClientCertificate.PresentTo: must be "TokenEndpoint" or "Both" with this/,
      ],
    ];
    for (const [keys, problem] of table) {
      const found = await problems(keys);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0] ?? "", problem);
    }
  },
}));

async function digest(algorithm: string, certificatePem: string): Promise<string> {
  const base64 = certificatePem.replaceAll(/-----.*?-----|\s/g, "");
  const der = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const bytes = new Uint8Array(await crypto.subtle.digest(algorithm, der));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}
