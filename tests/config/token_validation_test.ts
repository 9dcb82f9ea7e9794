/**
 * The rules of the keys of token validation, one row each.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import type { TokenValidationConfig } from "../../src/config/schemes/token_validation.ts";
import { assertProblem, parseSection, serverProblems } from "./memory_files.ts";

const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const PEM = publicKey.export({ type: "spki", format: "pem" }).toString();
const JWK = { ...publicKey.export({ format: "jwk" }) } as Record<string, string>;
const GUID = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const URI = "https://keys.example/jwks?p=1";

type Keys = Readonly<Record<string, unknown>>;

const OAUTH: Keys = {
  Url: "https://store.example",
  TokenEndpoint: "https://idp.example/token",
  ClientId: "c",
  ClientSecret: "s",
};

const AZURE: Keys = { ...OAUTH, TokenEndpoint: undefined, ProviderType: "azure", TenantId: GUID };

function section(keys: Keys) {
  return { Servers: { main: { ...OAUTH, ...keys } } };
}

async function validation(keys: Keys): Promise<TokenValidationConfig | undefined> {
  const { servers } = await parseSection(section(keys));
  const credentials = servers.get("main")?.credentials;
  assert(credentials !== undefined && "refreshBufferMs" in credentials);
  assert("tokenValidation" in credentials);
  return credentials.tokenValidation;
}

async function warnings(keys: Keys): Promise<string[]> {
  const { warnings } = await parseSection(section(keys));
  return (warnings ?? []).map((text) => text.replace("DicomWebOAuth.Servers.main.", ""));
}

const off: Keys[] = [
  {},
  { EnableJWTValidation: false },
  { JWTAudience: "store", JWTIssuer: "https://idp.example" },
  { JWTPublicKey: PEM, DisableJWTValidation: true },
  { JWKSUri: URI, DisableJWTValidation: "true" },
  AZURE,
];

for (const keys of off) {
  Deno.test(`Tokens are not validated with ${Object.keys(keys).join(", ") || "no key"}`, async () => {
    assert.equal(await validation(keys), undefined);
  });
}

const STATIC = { from: "configuration", publicJwk: JWK } as const;
const DISCOVERY = {
  from: "discovery",
  discovery: { kind: "issuer", url: "https://idp.example/", allowedHosts: ["idp.example:443"] },
} as const;
const ENTRA = {
  keys: {
    from: "url",
    url: `https://login.microsoftonline.com/${GUID}/discovery/v2.0/keys`,
  },
  audience: "https://dicom.healthcareapis.azure.com",
  issuers: [
    `https://login.microsoftonline.com/${GUID}/v2.0`,
    `https://sts.windows.net/${GUID}/`,
  ],
  algorithms: ["RS256"],
} as const;

const on: [name: string, keys: Keys, becomes: TokenValidationConfig][] = [
  [
    "JWTPublicKey, whose kind of key says the algorithm",
    { JWTPublicKey: PEM },
    { keys: STATIC, audience: undefined, issuers: [], algorithms: ["ES256"] },
  ],
  [
    "JWTPublicKey with all that the plugin knew",
    {
      JWTPublicKey: JSON.stringify(JWK),
      JWTAudience: "store",
      JWTIssuer: "idp",
      JWTAlgorithms: ["RS256", "ES256"],
    },
    { keys: STATIC, audience: "store", issuers: ["idp"], algorithms: ["RS256", "ES256"] },
  ],
  [
    "JWKSUri",
    { JWKSUri: URI, JWTAudience: "store" },
    {
      keys: { from: "url", url: URI },
      audience: "store",
      issuers: [],
      algorithms: ["RS256"],
    },
  ],
  [
    "EnableJWTValidation and Issuer",
    {
      TokenEndpoint: undefined,
      Issuer: "https://idp.example/",
      AllowedHosts: ["keys.example"],
      EnableJWTValidation: "true",
      JWTAlgorithms: ["EdDSA"],
    },
    {
      keys: {
        ...DISCOVERY,
        discovery: {
          ...DISCOVERY.discovery,
          allowedHosts: ["idp.example:443", "keys.example:443"],
        },
      },
      audience: undefined,
      issuers: ["https://idp.example/"],
      algorithms: ["EdDSA"],
    },
  ],
  [
    "EnableJWTValidation and JWTIssuer beside a TokenEndpoint",
    { JWTIssuer: "https://idp.example/", EnableJWTValidation: true },
    {
      keys: DISCOVERY,
      audience: undefined,
      issuers: ["https://idp.example/"],
      algorithms: ["RS256"],
    },
  ],
  [
    "an Issuer whose tokens name another",
    {
      TokenEndpoint: undefined,
      Issuer: "https://idp.example/",
      JWTIssuer: "https://old.example",
      EnableJWTValidation: true,
    },
    {
      keys: DISCOVERY,
      audience: undefined,
      issuers: ["https://old.example"],
      algorithms: ["RS256"],
    },
  ],
  ["EnableJWTValidation for a tenant of Azure", { ...AZURE, EnableJWTValidation: true }, ENTRA],
  [
    "a tenant of Azure in its TokenEndpoint, its scope that of another API",
    {
      TokenEndpoint: `https://login.partner.microsoftonline.cn/${GUID}/oauth2/v2.0/token`,
      Scope: "api://store/.default",
      EnableJWTValidation: true,
    },
    {
      keys: {
        from: "url",
        url: `https://login.partner.microsoftonline.cn/${GUID}/discovery/v2.0/keys`,
      },
      audience: "api://store",
      issuers: [
        `https://login.partner.microsoftonline.cn/${GUID}/v2.0`,
        `https://sts.chinacloudapi.cn/${GUID}/`,
      ],
      algorithms: ["RS256"],
    },
  ],
  [
    "a tenant of another cloud of Azure",
    {
      ...AZURE,
      Cloud: "usgovernment",
      Scope: "https://dicom.example.us/.default",
      EnableJWTValidation: true,
    },
    {
      keys: { from: "url", url: `https://login.microsoftonline.us/${GUID}/discovery/v2.0/keys` },
      audience: "https://dicom.example.us",
      issuers: [
        `https://login.microsoftonline.us/${GUID}/v2.0`,
        `https://sts.windows.net/${GUID}/`,
      ],
      algorithms: ["RS256"],
    },
  ],
  [
    "a tenant of Azure, issuer and audience given",
    {
      ...AZURE,
      TenantId: "contoso.example",
      EnableJWTValidation: true,
      JWTIssuer: `https://sts.windows.net/${GUID}/`,
      JWTAudience: "00000000-0000-0000-0000-000000000001",
    },
    {
      keys: {
        from: "url",
        url: "https://login.microsoftonline.com/contoso.example/discovery/v2.0/keys",
      },
      audience: "00000000-0000-0000-0000-000000000001",
      issuers: [`https://sts.windows.net/${GUID}/`],
      algorithms: ["RS256"],
    },
  ],
  [
    "a key of one's own for a tenant of Azure",
    { ...AZURE, JWTPublicKey: PEM, Scope: "openid" },
    { keys: STATIC, audience: undefined, issuers: ENTRA.issuers, algorithms: ["ES256"] },
  ],
];

for (const [name, keys, becomes] of on) {
  Deno.test(`Tokens are validated with ${name}`, async () => {
    assert.deepEqual(await validation(keys), becomes);
  });
}

Deno.test("A managed identity's tokens are validated for the requested audience", async () => {
  const { servers } = await parseSection({
    Servers: {
      main: {
        Url: "https://store.example",
        ProviderType: "azuremanagedidentity",
        Scope: "https://dicom.example/.default",
        JWKSUri: URI,
        JWTIssuer: `https://sts.windows.net/${GUID}/`,
      },
    },
  });
  const credentials = servers.get("main")?.credentials;
  assert(credentials?.kind === "azure_managed_identity");
  assert.deepEqual(credentials.tokenValidation, {
    keys: { from: "url", url: URI },
    audience: "https://dicom.example",
    issuers: [`https://sts.windows.net/${GUID}/`],
    algorithms: ["RS256"],
  });
});

Deno.test("The tenant of a workload identity, also for the keys of its tokens, comes from its platform", async () => {
  const { servers } = await parseSection({
    Servers: {
      main: {
        Url: "https://store.example",
        ProviderType: "azure",
        ClientAuthentication: "federated_token",
        EnableJWTValidation: true,
      },
    },
  }, {
    env: {
      AZURE_CLIENT_ID: "c",
      AZURE_TENANT_ID: GUID,
      AZURE_FEDERATED_TOKEN_FILE: "/var/run/token",
      AZURE_AUTHORITY_HOST: "https://login.microsoftonline.com/",
    },
  });
  const credentials = servers.get("main")?.credentials;
  assert(credentials?.kind === "client_credentials");
  assert.deepEqual(credentials.tokenValidation, ENTRA);
});

const problems: [keys: Keys, problem: string][] = [
  [
    { JWTPublicKey: PEM, JWKSUri: URI },
    "CFG-002 JWKSUri: conflicts with JWTPublicKey; remove one of the two",
  ],
  [{ JWKSUri: "keys.example" }, "CFG-002 JWKSUri: must be a URL that starts with https://"],
  [
    { JWKSUri: "http://keys.example" },
    "CFG-002 JWKSUri: must start with https:// if the signing keys",
  ],
  [
    { JWTIssuer: "http://idp.example", EnableJWTValidation: true },
    "CFG-002 JWTIssuer: must start with https:// if the signing keys",
  ],
  [
    { TokenEndpoint: undefined, Issuer: "http://idp.example", EnableJWTValidation: true },
    "CFG-002 Issuer: must start with https:// if the signing keys",
  ],
  [
    { JWTPublicKey: PEM, JWTAlgorithms: ["RS256", "ES384"] },
    "CFG-002 JWTAlgorithms: names no algorithm of the key in JWTPublicKey: ES256",
  ],
  [
    { EnableJWTValidation: true, DisableJWTValidation: true },
    "CFG-002 EnableJWTValidation: conflicts with DisableJWTValidation; remove one of the two",
  ],
  [
    { EnableJWTValidation: true },
    "CFG-001 EnableJWTValidation: EnableJWTValidation needs Issuer, JWTIssuer or JWKSUri",
  ],
  [
    { EnableJWTValidation: true, JWTIssuer: "accounts.example" },
    "CFG-001 EnableJWTValidation: EnableJWTValidation needs Issuer, JWTIssuer or JWKSUri",
  ],
  [{ EnableJWTValidation: "perhaps" }, "CFG-002 EnableJWTValidation: must be true or false"],
  ...["contoso.example", "t"].map((tenant): [Keys, string] => [
    { ...AZURE, TenantId: tenant, EnableJWTValidation: true },
    "CFG-001 JWTIssuer: EnableJWTValidation needs TenantId to be the tenant's GUID, or JWTIssuer",
  ]),
  [{ JWTAudience: "" }, "CFG-002 JWTAudience: must not be empty"],
];

for (const [keys, problem] of problems) {
  Deno.test(`${problem.slice(0, 60)}… for ${Object.keys(keys).join(", ")}`, async () => {
    assertProblem(await serverProblems(section(keys).Servers.main), problem);
  });
}

const warned: [keys: Keys, warnings: string[]][] = [
  [{}, []],
  [{ JWKSUri: URI, JWTAudience: "store" }, []],
  [{ JWKSUri: "http://127.0.0.1:1/keys", JWTAudience: "store" }, []],
  [{ ...AZURE, EnableJWTValidation: true }, []],
  [{ JWKSUri: URI }, [
    "JWTAudience: is not set: tokens for any audience are accepted; set the store's",
  ]],
  [
    { JWTPublicKey: PEM, DisableJWTValidation: true },
    [
      "DisableJWTValidation: tokens are used without validation although a key is configured",
    ],
  ],
  [
    { JWTAudience: "store", JWTAlgorithms: ["ES256"] },
    ["JWTAudience", "JWTAlgorithms"].map((key) =>
      `${key}: has no effect without JWTPublicKey, JWKSUri or EnableJWTValidation`
    ),
  ],
];

for (const [keys, expected] of warned) {
  Deno.test(`${expected.length} warnings for ${Object.keys(keys).join(", ") || "no key"}`, async () => {
    assert.deepEqual(await warnings(keys), expected);
  });
}

Deno.test("The hosts that keys are fetched from are on the network allowlist, and no others", async () => {
  const hosts = async (keys: Keys) => networkAllowlist(await parseSection(section(keys)));
  const without = ["idp.example:443", "store.example:443"];
  assert.deepEqual(await hosts({ JWTPublicKey: PEM }), without);
  assert.deepEqual(await hosts({ JWKSUri: URI, DisableJWTValidation: true }), without);
  assert.deepEqual(await hosts({ JWKSUri: URI }), [
    "idp.example:443",
    "keys.example:443",
    "store.example:443",
  ]);
  assert.deepEqual(
    await hosts({
      TokenEndpoint: undefined,
      Issuer: "https://idp.example",
      AllowedHosts: ["keys.example:8443"],
      EnableJWTValidation: true,
    }),
    ["idp.example:443", "keys.example:8443", "store.example:443"],
  );
  assert.deepEqual(
    await hosts({ JWTIssuer: "https://issuer.example", EnableJWTValidation: true }),
    ["idp.example:443", "issuer.example:443", "store.example:443"],
  );
});
