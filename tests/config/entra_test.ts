/**
 * What is derived for Microsoft Entra ID, never for hosts that merely look like it.
 */
import assert from "node:assert/strict";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import type { ClientCredentials } from "../../src/config/schemes/oauth2/token_request.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { assertProblem, parseSection, parseServer, serverProblems } from "./memory_files.ts";

type Keys = Readonly<Record<string, unknown>>;

const CLIENT = { Url: "https://store.example", ClientId: "c", ClientSecret: "s" };
const SCOPE = "https://dicom.healthcareapis.azure.com/.default";

async function credentials(keys: Keys): Promise<ClientCredentials> {
  const { credentials: found } = await parseServer({ ...CLIENT, ...keys });
  assert(found.kind === "client_credentials");
  return found;
}

const problems = (keys: Keys) => serverProblems({ ...CLIENT, ...keys });

const derived: readonly (readonly [keys: Keys, endpoint: string, scope: string | undefined])[] = [
  [
    { ProviderType: "azure", TenantId: "contoso.example" },
    "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token",
    SCOPE,
  ],
  [
    { TenantId: "contoso.example" },
    "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token",
    SCOPE,
  ],
  [
    { ProviderType: "azure", TenantId: "t", Cloud: "usgovernment", Scope: "api://us/.default" },
    "https://login.microsoftonline.us/t/oauth2/v2.0/token",
    "api://us/.default",
  ],
  [
    { TenantId: "t", Cloud: "china", Scope: "api://cn/.default" },
    "https://login.partner.microsoftonline.cn/t/oauth2/v2.0/token",
    "api://cn/.default",
  ],
  [
    { TokenEndpoint: "https://login.microsoftonline.com/t/oauth2/v2.0/token" },
    "https://login.microsoftonline.com/t/oauth2/v2.0/token",
    SCOPE,
  ],
  [
    { TokenEndpoint: "https://login.microsoftonline.com/t/oauth2/token", Resource: "https://r" },
    "https://login.microsoftonline.com/t/oauth2/token",
    undefined,
  ],
];
for (const [keys, endpoint, scope] of derived) {
  Deno.test(`Entra ID: ${JSON.stringify(keys)} asks ${endpoint}`, async () => {
    const found = await credentials(keys);
    assert.equal(found.tokenEndpoint, endpoint);
    assert.equal(found.scope, scope);
    assert.equal(found.provider, "azure");
  });
}

const hostile = [
  "https://login.microsoftonline.com.evil.example/t/oauth2/v2.0/token",
  "https://evil.example/login.microsoftonline.com/oauth2/v2.0/token",
  "https://evil.example/?login.microsoftonline.com",
  "https://xlogin.microsoftonline.com/t/oauth2/v2.0/token",
  "https://login-microsoftonline.com/t/oauth2/v2.0/token",
  "https://login.microsoftonline.com-evil.example/t",
];
for (const endpoint of hostile) {
  Deno.test(`${endpoint} is not recognized as Entra ID: no scope is derived`, async () => {
    const found = await credentials({ TokenEndpoint: endpoint });
    assert.equal(found.scope, undefined);
    assert.equal(found.tokenEndpoint, endpoint);
    const config = await parseSection({
      Servers: { main: { ...CLIENT, TokenEndpoint: endpoint } },
    });
    const host = new URL(endpoint).hostname;
    assert.deepEqual(networkAllowlist(config), [`${host}:443`, "store.example:443"].sort());
    const [refused] = await problems({ TokenEndpoint: endpoint, TenantId: "t" });
    assert.match(refused ?? "", /TenantId: belongs to ProviderType "azure" or a TokenEndpoint at/);
  });
}

const wrong: readonly (readonly [keys: Keys, problem: string])[] = [
  [
    { ProviderType: "azure", TenantId: "t", Cloud: "germany" },
    'CFG-002 Cloud: must be one of "public", "usgovernment", "china"',
  ],
  [
    { ProviderType: "azure", TenantId: "t", Cloud: "usgovernment" },
    "CFG-001 Scope: Azure needs Scope in a cloud other than the public one",
  ],
  [
    { TokenEndpoint: "https://login.microsoftonline.us/t/oauth2/v2.0/token" },
    "CFG-001 Scope: Azure needs Scope in a cloud other than the public one",
  ],
  [
    {
      TokenEndpoint: "https://login.microsoftonline.us/t/oauth2/v2.0/token",
      Cloud: "china",
      Scope: "a",
    },
    'CFG-002 Cloud: is not that of TokenEndpoint, which is "usgovernment"',
  ],
  [
    { ProviderType: "keycloak", TokenEndpoint: "https://idp.example/t", Cloud: "public" },
    'CFG-002 Cloud: belongs to ProviderType "azure"',
  ],
];
const ONE_TENANT = "must name one tenant: write the GUID of yours (Directory ID) in place of " +
  "common, organizations, consumers or {tenantid}";
const IN_BRACES = "contains a placeholder in braces: write what belongs there, for Entra ID the " +
  "GUID of your tenant";

const tenantless: readonly (readonly [keys: Keys, problem: string])[] = [
  ...["common", "organizations", "consumers", "Common"].flatMap((name) =>
    [
      [{ TenantId: name }, `CFG-002 TenantId: ${ONE_TENANT}`],
      [
        { TokenEndpoint: `https://login.microsoftonline.com/${name}/oauth2/v2.0/token` },
        `CFG-002 TokenEndpoint: ${ONE_TENANT}`,
      ],
      [
        { Issuer: `https://login.microsoftonline.com/${name}/v2.0` },
        `CFG-002 Issuer: ${ONE_TENANT}`,
      ],
      [
        { TenantId: "t", JWTIssuer: `https://LOGIN.microsoftonline.com/${name}/v2.0` },
        `CFG-002 JWTIssuer: ${ONE_TENANT}`,
      ],
    ] as const
  ),
  [{ TenantId: "YOUR-TENANT-ID" }, `CFG-002 TenantId: ${ONE_TENANT}`],
  [{ Issuer: "https://sts.windows.net/common/" }, `CFG-002 Issuer: ${ONE_TENANT}`],
  [
    { TenantId: "t", JWTIssuer: "https://sts.windows.net/{tenantid}/" },
    `CFG-002 JWTIssuer: ${ONE_TENANT}`,
  ],
  [
    { Issuer: "https://login.microsoftonline.us/organizations/v2.0" },
    `CFG-002 Issuer: ${ONE_TENANT}`,
  ],
  [
    { Issuer: "https://login.microsoftonline.com/{tenantid}/v2.0" },
    `CFG-002 Issuer: ${IN_BRACES}`,
  ],
  [{ Issuer: "https://idp.example/realms/<realm>" }, `CFG-002 Issuer: ${IN_BRACES}`],
  [{ TenantId: "{tenantid}" }, "CFG-002 TenantId: must be the GUID or domain of a tenant"],
];
for (const [keys, problem] of tenantless) {
  Deno.test(`A URL or tenant of many tenants is refused with what to write: ${JSON.stringify(keys)}`, async () => {
    assert.deepEqual(await problems(keys), [problem]);
  });
}

for (
  const keys of [
    { TokenEndpoint: "https://idp.example/common/token" },
    { Issuer: "https://idp.example/organizations" },
    { Issuer: "https://login.microsoftonline.com/contoso.example/v2.0" },
    { TenantId: "common.example" },
    {
      TenantId: "72f988bf-86f1-41af-91ab-2d7cd011db47",
      JWKSUri: "https://login.microsoftonline.com/common/discovery/v2.0/keys",
    },
  ]
) {
  Deno.test(`A tenant is not mistaken for many: ${JSON.stringify(keys)}`, async () => {
    assert.deepEqual(await problems(keys), []);
  });
}

Deno.test("The tenant of a federated token's environment must be one, too", async () => {
  const { ClientSecret: _, ...client } = CLIENT;
  const keys = {
    ...client,
    ProviderType: "azure",
    ClientAuthentication: "federated_token",
    FederatedTokenFile: "/run/token",
  };
  assert.deepEqual(await serverProblems(keys, { env: { AZURE_TENANT_ID: "organizations" } }), [
    `CFG-002 TenantId: ${ONE_TENANT}`,
  ]);
});

for (const [keys, problem] of wrong) {
  Deno.test(`Entra ID is refused: ${problem} (${JSON.stringify(keys)})`, async () => {
    assertProblem(await problems(keys), problem);
  });
}

Deno.test(needing(OPENSSL, {
  name: "Entra ID with a certificate: PS256 and its thumbprints, from one file or from two",
  fn: signsWithCertificate,
}));

async function signsWithCertificate(): Promise<void> {
  await using authority = await CertificateAuthority.create();
  const issue = () => authority.issue({ commonName: "gateway", key: ["rsa:2048"] });
  const { keyPem: key, certificatePem: certificate } = await issue();
  const azure = {
    ProviderType: "azure",
    TenantId: "t",
    ClientSecret: undefined,
    ClientAuthentication: "private_key_jwt",
  };
  const forms = [{ PrivateKey: key, AssertionCertificate: certificate }, {
    PrivateKey: key + certificate,
  }];
  for (const form of forms) {
    const { clientAuthentication } = await credentials({ ...azure, ...form });
    assert(clientAuthentication.method === "private_key_jwt");
    assert.equal(clientAuthentication.keys[0].algorithm, "PS256");
    assert.match(clientAuthentication.certificate?.sha256 ?? "", /^[\w-]{43}$/);
    assert.match(clientAuthentication.certificate?.sha1 ?? "", /^[\w-]{27}$/);
  }
  const chosen = await credentials({ ...azure, ...forms[0], AssertionAlgorithm: "RS256" });
  assert(chosen.clientAuthentication.method === "private_key_jwt");
  assert.equal(chosen.clientAuthentication.keys[0].algorithm, "RS256");
  assert.deepEqual(await problems({ ...azure, PrivateKey: key }), [
    "CFG-001 AssertionCertificate: Azure needs AssertionCertificate, unless PrivateKey contains the certificate as well",
  ]);
  const other = { PrivateKey: key, AssertionCertificate: (await issue()).certificatePem };
  assert.match(
    (await problems({ ...azure, ...other })).join(),
    /contains no certificate of the private/,
  );
}
