/**
 * The rules of a server's keys, one row each.
 */
import assert from "node:assert/strict";
import type { ServerConfig } from "../../src/config/keys/server.ts";
import { assertProblem, parseSection, problemsOf, serverProblems } from "./memory_files.ts";

const OAUTH = {
  Url: "https://store.example",
  TokenEndpoint: "https://idp.example/token",
  ClientId: "c",
  ClientSecret: "s",
};
const URL_START = "must be a URL that starts with https:// or http://";
const TYPES = 'must be one of "';

type Row = readonly [keys: Record<string, unknown>, problem: string];

const rows: readonly Row[] = [
  // Required keys of each scheme.
  [{ Url: undefined }, "CFG-001 Url: a server needs Url"],
  [{ ClientId: undefined }, "CFG-001 ClientId: OAuth2 needs ClientId"],
  [{ ClientSecret: undefined }, "CFG-001 ClientSecret: OAuth2 needs ClientSecret"],
  [
    {
      TokenEndpoint: undefined,
      Issuer: "https://idp.example/realms/r/.well-known/openid-configuration",
    },
    "CFG-002 Issuer: must not contain /.well-known/: the gateway appends the path of the metadata",
  ],
  [{ TokenEndpoint: undefined }, "CFG-001 TokenEndpoint: OAuth2 needs TokenEndpoint or Issuer"],
  [
    { TokenEndpoint: undefined, ProviderType: "azure" },
    "CFG-001 TokenEndpoint: OAuth2 needs TenantId or TokenEndpoint",
  ],
  [
    { TokenEndpoint: undefined, ProviderType: "keycloak", TenantId: undefined },
    "CFG-001 TokenEndpoint: OAuth2 needs TokenEndpoint or Issuer",
  ],
  [{ ClientId: "" }, "CFG-002 ClientId: must not be empty"],
  [{ ClientSecret: 12345 }, "CFG-002 ClientSecret: must be a string"],
  ...[
    "wado",
    "https://store.example/wado",
    "//evil.example/wado",
    "/wado/",
    "/",
    "/wado?x=1",
    "/wado#x",
    "/a/../wado",
    "/a/./wado",
    "/%2e%2e/wado",
    "/a\\wado",
    "/wado;x",
    "/a//wado",
  ].map((
    path,
  ): Row => [{ WadoUriPath: path }, "CFG-002 WadoUriPath: must be a path such as /wado"]),
  // Choice of the scheme.
  [{ ProviderType: "Azure" }, `CFG-002 ProviderType: ${TYPES}`],
  [{ ProviderType: 1 }, `CFG-002 ProviderType: ${TYPES}`],
  [
    { ClientAuthentication: "client_secret_jwtt" },
    'CFG-002 ClientAuthentication: must be one of "client_secret_post", "client_secret_basic"',
  ],
  [{ ClientCertificate: [] }, "CFG-002 ClientCertificate: must be an object"],
  [{ Timeouts: [] }, "CFG-002 Timeouts: must be an object"],
  [{ StoreAliases: "https://s.example" }, "CFG-002 StoreAliases: must be a list"],
  [
    { StoreAliases: ["orthanc:8042"] },
    "CFG-002 StoreAliases[0]: must be a URL that starts with https:// or http://",
  ],
  [
    { StoreAliases: ["https://s.example", "https://u:p@s.example"] },
    "CFG-002 StoreAliases[1]: must not contain a user name or password",
  ],
  // Unknown keys.
  [
    { TokenEndpiont: "x" },
    "CFG-002 TokenEndpiont: unknown key; the nearest known one is TokenEndpoint",
  ],
  [{ Uri: "x" }, "CFG-002 Uri: unknown key; the nearest known one is Url"],
  [
    { DicomWebRoot: "x" },
    "CFG-002 DicomWebRoot: unknown key; the base URL of the store is called Url",
  ],
  [
    { RefreshBufferSeconds: 300 },
    "CFG-002 RefreshBufferSeconds: unknown key; the nearest known one is TokenRefreshBufferSeconds",
  ],
  [
    { ResilienceConfig: { RetryMaxAtempts: 3 } },
    "CFG-002 ResilienceConfig.RetryMaxAtempts: unknown key; the nearest known one is RetryMaxAttempts",
  ],
  [
    { Timeouts: { Headers: 3 } },
    "CFG-002 Timeouts.Headers: unknown key; the configuration reference lists the known ones",
  ],
  // URLs: new URL() would accept each of these.
  [{ Url: "store.example/dicom-web" }, `CFG-002 Url: ${URL_START}`],
  [{ Url: "ftp://store.example" }, `CFG-002 Url: ${URL_START}`],
  [{ Url: "https:store.example" }, `CFG-002 Url: ${URL_START}`],
  [{ Url: "https:///store.example" }, `CFG-002 Url: ${URL_START}`],
  [{ Url: " https://store.example" }, `CFG-002 Url: ${URL_START}`],
  [{ Url: "https://store.example/a b" }, "CFG-002 Url: must not contain blanks or backslashes"],
  [
    { Url: "https://store.example\\@evil.example" },
    "CFG-002 Url: must not contain blanks or backslashes",
  ],
  [{ Url: "https://store.example\n" }, "CFG-002 Url: must not contain blanks or backslashes"],
  [{ Url: "https://store.example:port" }, "CFG-002 Url: must be a URL with a host name"],
  [{ Url: "https://*/" }, "CFG-002 Url: must be a URL with a host name"],
  [{ Url: "https://user@store.example" }, "CFG-002 Url: must not contain a user name or password"],
  [{ Url: "https://@store.example" }, "CFG-002 Url: must not contain a user name or password"],
  [{ Url: "https://store.example/?" }, "CFG-002 Url: must not contain a query (?…)"],
  [{ Url: "https://store.example/#" }, "CFG-002 Url: must not contain a fragment (#…)"],
  [{ TokenEndpoint: "/token" }, `CFG-002 TokenEndpoint: ${URL_START}`],
  [
    { TokenEndpoint: "https://idp.example/#x" },
    "CFG-002 TokenEndpoint: must not contain a fragment (#…)",
  ],
  // TLS.
  [{ VerifySSL: false }, "CFG-002 VerifySSL: must not be false"],
  [{ VerifySSL: "false" }, "CFG-002 VerifySSL: must not be false"],
  [{ VerifySSL: "" }, "CFG-002 VerifySSL: must not be empty"],
  [{ VerifySSL: 1 }, "CFG-002 VerifySSL: must be true or the path of a PEM file"],
  [
    { VerifySSL: "ca.b64" },
    "CFG-002 VerifySSL: must be a PEM file with at least one certificate (BEGIN CERTIFICATE)",
  ],
  [
    { VerifySSL: "ca.p7b" },
    "CFG-002 VerifySSL: contains PKCS#7: `openssl pkcs7 -print_certs -in FILE` prints its certificates",
  ],
  [
    { VerifySSL: "ca.csr" },
    "CFG-002 VerifySSL: contains a certificate signing request: the authority answers it with a " +
    "certificate",
  ],
  [
    { VerifySSL: "key.pem" },
    "CFG-002 VerifySSL: must be a PEM file with at least one certificate (BEGIN CERTIFICATE), not a key",
  ],
  [
    { VerifySSL: "ca.txt" },
    "CFG-002 VerifySSL: contains a PEM file in base64: decode it first, as `base64 -d` does",
  ],
  [
    { VerifySSL: "ca.der" },
    "CFG-002 VerifySSL: the file ca.der cannot be read: it is binary (DER or PKCS#12), not text: ",
  ],
  // Token request.
  [{ Scope: ["a"] }, "CFG-002 Scope: must be a string"],
  [{ TenantId: "contoso/../common" }, "CFG-002 TenantId: "],
  [
    { TenantId: "contoso" },
    'CFG-002 TenantId: belongs to ProviderType "azure" or a TokenEndpoint at a host of Entra ID; remove it',
  ],
  [
    {
      TenantId: "contoso",
      TokenEndpoint: "https://login.microsoftonline.com.evil.example/token",
    },
    'CFG-002 TenantId: belongs to ProviderType "azure"',
  ],
  [{ TokenParameters: ["a"] }, "CFG-002 TokenParameters: must be an object"],
  [{ TokenParameters: { a: 1 } }, "CFG-002 TokenParameters.a: must be a string"],
  ...[
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
    "audience",
    "resource",
  ].map((name): Row => [
    { TokenParameters: { [name]: "x" } },
    `CFG-002 TokenParameters.${name}: has a key of its own or is set by the gateway; remove it`,
  ]),
  // Renewal and validation of tokens.
  [{ TokenRefreshBufferSeconds: -1 }, "CFG-002 TokenRefreshBufferSeconds: must be at least 0"],
  [{ TokenRefreshBufferSeconds: 3601 }, "CFG-002 TokenRefreshBufferSeconds: must be at most 3600"],
  [{ TokenRefreshBufferSeconds: "soon" }, "CFG-002 TokenRefreshBufferSeconds: must be a number"],
  [
    { JWTPublicKey: "MIIB" },
    "CFG-002 JWTPublicKey: must be a public key: PEM (BEGIN PUBLIC KEY), a certificate or a JWK",
  ],
  [{ JWTAlgorithms: [] }, "CFG-002 JWTAlgorithms: must not be empty"],
  [{ JWTAlgorithms: "RS256" }, "CFG-002 JWTAlgorithms: must be a list"],
  [{ JWTAlgorithms: ["none"] }, 'CFG-002 JWTAlgorithms[0]: must be one of "RS256"'],
  [{ JWTAlgorithms: ["RS256", "HS256"] }, 'CFG-002 JWTAlgorithms[1]: must be one of "RS256"'],
  // Timeouts and retries.
  [{ Http2: "yes" }, "CFG-002 Http2: must be true or false"],
  [{ Timeouts: { TokenSeconds: 0 } }, "CFG-002 Timeouts.TokenSeconds: must be at least 0.001"],
  [{ Timeouts: { TokenSeconds: 86_401 } }, "CFG-002 Timeouts.TokenSeconds: must be at most 86400"],
  [{ Timeouts: 30 }, "CFG-002 Timeouts: must be an object"],
  [
    { ResilienceConfig: { RetryMaxAttempts: 0 } },
    "CFG-002 ResilienceConfig.RetryMaxAttempts: must be at least 1",
  ],
  [
    { ResilienceConfig: { RetryStrategy: "Exponential" } },
    'CFG-002 ResilienceConfig.RetryStrategy: must be one of "fixed", "linear", "exponential"; ' +
    'the nearest is "exponential"',
  ],
];

const files = {
  "/srv/gateway/ca.der": Uint8Array.of(0x30, 0x82, 0x01, 0x0a),
  "/srv/gateway/ca.b64": "MIIB",
  "/srv/gateway/ca.p7b": "-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n",
  "/srv/gateway/ca.csr": "-----BEGIN NEW CERTIFICATE REQUEST-----\nMIIB\n",
  "/srv/gateway/key.pem": "-----BEGIN PUBLIC KEY-----\nMIIB\n",
  "/srv/gateway/ca.txt": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
};

for (const [keys, problem] of rows) {
  Deno.test(`parseConfig: server with ${JSON.stringify(keys)}: ${problem.slice(0, 60)}`, async () => {
    assertProblem(await serverProblems({ ...OAUTH, ...keys }, { files }), problem);
  });
}

Deno.test("parseConfig names the ProviderType that a key belongs to", async () => {
  const problems = await problemsOf({
    DicomWebOAuth: {
      Servers: { main: { ProviderType: "none", Url: "https://s.example", ClientSecret: "s" } },
    },
  });
  assert.equal(problems.length, 1);
  assert.match(
    problems[0]?.message ?? "",
    /^belongs to ProviderType "auto".*; choose that instead, or remove this key$/,
  );
});

Deno.test("parseConfig names the ClientAuthentication that a key belongs to", async () => {
  const problems = await problemsOf({
    DicomWebOAuth: { Servers: { main: { ...OAUTH, PrivateKey: "x", SmartBaseUrl: "x" } } },
  });
  assert.deepEqual(problems.map(({ message }) => message), [
    'belongs to ClientAuthentication "private_key_jwt"; write that as well, or remove this key',
    'belongs to ProviderType "smart"; write that as well, or remove this key',
  ]);
});

Deno.test("parseConfig names the values that choose the scheme of a key", async () => {
  const server = { Url: "https://s.example", ProviderType: "none", Username: "u" };
  const [told] = await problemsOf({ DicomWebOAuth: { Servers: { main: server } } });
  assert.equal(
    told?.message,
    'belongs to ProviderType "basic"; choose that instead, or remove this key',
  );
});

Deno.test("parseConfig lists Azure's alternatives to a missing secret", async () => {
  const azure = { Url: "https://s.example", ProviderType: "azure", TenantId: "contoso.example" };
  const [told] = await problemsOf({
    DicomWebOAuth: { Servers: { main: { ...azure, ClientId: "c" } } },
  });
  assert.equal(
    told?.message,
    'Azure needs ClientSecret, or "ClientAuthentication": "private_key_jwt" with the key of a ' +
      'certificate or "federated_token", or "ProviderType": "azuremanagedidentity"',
  );
});

const names: readonly (readonly [name: string, good: boolean])[] = [
  ["main", true],
  ["azure-prod.v1_0", true],
  ["1", true],
  ["a".repeat(128), true],
  ["a".repeat(129), false],
  ["", false],
  [".", false],
  ["..", false],
  ["a/b", false],
  ["a b", false],
  ["a%2fb", false],
  ["münchen", false],
  ["__proto__", false],
];

for (const [name, good] of names) {
  Deno.test(`parseConfig ${good ? "accepts" : "rejects"} "${name.slice(0, 20)}" as the name of a server`, async () => {
    const problems = await problemsOf(
      `{"DicomWebOAuth": {"Servers": {${JSON.stringify(name)}: ${JSON.stringify(OAUTH)}}}}`,
    );
    assert.equal(problems.length, good ? 0 : 1);
    const told = name === "__proto__"
      ? /^is a reserved name/
      : /^the name of a server is a part of paths/;
    if (!good) assert.match(problems[0]?.message ?? "", told);
  });
}

async function server(keys: Record<string, unknown>): Promise<ServerConfig> {
  const config = await parseSection({ Servers: { main: { ...OAUTH, ...keys } } });
  return config.servers.get("main")!;
}

const urls: readonly (readonly [written: string, becomes: string])[] = [
  ["https://Store.Example/dicom-web/", "https://store.example/dicom-web"],
  ["https://store.example:443", "https://store.example"],
  ["http://store.example:80/a//", "http://store.example/a"],
  ["https://store.example:8443/a/../b", "https://store.example:8443/b"],
  ["http://[FD00::7]:8042/x", "http://[fd00::7]:8042/x"],
  ["https://bücher.example/", "https://xn--bcher-kva.example"],
  ["http://my_store:8042", "http://my_store:8042"],
];

for (const [written, becomes] of urls) {
  Deno.test(`parseConfig normalizes the Url ${written}`, async () => {
    assert.equal((await server({ Url: written })).url, becomes);
  });
}

Deno.test("parseConfig reads all parameters of a token request", async () => {
  const { credentials } = await server({
    TokenEndpoint: "https://idp.example/token?policy=dicom",
    ClientAuthentication: "client_secret_basic",
    Scope: "read write",
    Audience: "https://api.example",
    Resource: "urn:store",
    TokenParameters: { "login_hint": "x", "__proto": "y" },
    ProviderType: "generic",
    JWKSUri: "https://idp.example/keys",
    JWTAudience: "aud",
    JWTIssuer: "iss",
    JWTAlgorithms: ["ES256", "EdDSA"],
  });
  assert(credentials.kind === "client_credentials");
  const { clientAuthentication, ...rest } = credentials;
  assert.equal(clientAuthentication.method, "client_secret_basic");
  assert.deepEqual(rest, {
    kind: "client_credentials",
    provider: undefined,
    dpop: false,
    tokenEndpoint: "https://idp.example/token?policy=dicom",
    clientId: "c",
    scope: "read write",
    audience: "https://api.example",
    resource: "urn:store",
    tokenHeaders: {},
    tokenParameters: { login_hint: "x", __proto: "y" },
    refreshBufferMs: 300_000,
    tokenValidation: {
      keys: { from: "url", url: "https://idp.example/keys" },
      audience: "aud",
      issuers: ["iss"],
      algorithms: ["ES256", "EdDSA"],
    },
  });
});

const AZURE_SCOPE = "https://dicom.healthcareapis.azure.com/.default";
const CONTOSO = "https://login.microsoftonline.com/contoso/oauth2/v2.0/token";

/** What Azure derives: keys, token endpoint, scope. */
const derived: readonly (readonly [
  keys: Record<string, unknown>,
  endpoint: string,
  scope: string | undefined,
  rule: string,
])[] = [
  [
    { ProviderType: "azure", TokenEndpoint: undefined, TenantId: "contoso" },
    CONTOSO,
    AZURE_SCOPE,
    "both from the tenant",
  ],
  [
    { TokenEndpoint: undefined, TenantId: "contoso" },
    CONTOSO,
    AZURE_SCOPE,
    "both from the tenant under auto",
  ],
  [{ TokenEndpoint: CONTOSO }, CONTOSO, AZURE_SCOPE, "the scope from the host of the endpoint"],
  [{ TokenEndpoint: CONTOSO, Scope: "mine" }, CONTOSO, "mine", "nothing that is given"],
  [{ TokenEndpoint: CONTOSO, Scope: "" }, CONTOSO, AZURE_SCOPE, "the scope for an empty one"],
  [
    { ProviderType: "azure", TokenEndpoint: "https://proxy.example/token", TenantId: "contoso" },
    "https://proxy.example/token",
    AZURE_SCOPE,
    "not an endpoint that is given",
  ],
  [
    { TokenEndpoint: "https://login.microsoftonline.com/contoso/oauth2/token", Resource: "r" },
    "https://login.microsoftonline.com/contoso/oauth2/token",
    undefined,
    "no scope beside a resource, as version 1 of the endpoint has it",
  ],
  [
    { ProviderType: "generic", TokenEndpoint: CONTOSO },
    CONTOSO,
    undefined,
    "nothing for generic",
  ],
  [
    { TokenEndpoint: "https://login.microsoftonline.com.evil.example/t" },
    "https://login.microsoftonline.com.evil.example/t",
    undefined,
    "nothing from a host that merely contains the name",
  ],
  [
    { TokenEndpoint: "https://idp.example/login.microsoftonline.com/t" },
    "https://idp.example/login.microsoftonline.com/t",
    undefined,
    "nothing from a path that contains the name",
  ],
];

for (const [keys, endpoint, scope, rule] of derived) {
  Deno.test(`parseConfig derives for Azure ${rule}`, async () => {
    const { credentials } = await server(keys);
    assert(credentials.kind === "client_credentials");
    assert.equal(credentials.tokenEndpoint, endpoint);
    assert.equal(credentials.scope, scope);
  });
}
