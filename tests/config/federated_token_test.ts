/**
 * The rules of `ClientAuthentication: "federated_token"`, and of a managed identity in a pod, which means
 * the same by the environment.
 */
import assert from "node:assert/strict";
import type { ClientCredentials } from "../../src/config/schemes/oauth2/token_request.ts";
import { permissionSet } from "../../src/config/sandbox/permission_set.ts";
import { parseSection, parseServer, serverProblems } from "./memory_files.ts";

type Keys = Readonly<Record<string, unknown>>;
type Variables = Readonly<Record<string, string>>;

const URL_KEY = { Url: "https://store.example" };
const AZURE = { ...URL_KEY, ProviderType: "azure", ClientAuthentication: "federated_token" };
const MANAGED = { ...URL_KEY, ProviderType: "azuremanagedidentity" };
/** As Azure's webhook sets them. */
const POD = {
  AZURE_CLIENT_ID: "client",
  AZURE_TENANT_ID: "tenant",
  AZURE_FEDERATED_TOKEN_FILE: "/var/run/secrets/azure/tokens/azure-identity-token",
  AZURE_AUTHORITY_HOST: "https://login.microsoftonline.com/",
};
const ENDPOINT = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token";
const SCOPE = "https://dicom.healthcareapis.azure.com/.default";

async function credentials(keys: Keys, env: Variables = {}): Promise<ClientCredentials> {
  const { credentials: found } = await parseServer(keys, { env });
  assert(found.kind === "client_credentials");
  return found;
}

for (const keys of [AZURE, MANAGED, { ...MANAGED, IdentityPlatform: "workloadidentity" }]) {
  Deno.test(`In a pod of Azure, ${JSON.stringify(keys)} needs nothing else`, async () => {
    const found = await credentials(keys, POD);
    assert.equal(found.tokenEndpoint, ENDPOINT);
    assert.equal(found.clientId, "client");
    assert.equal(found.scope, SCOPE);
    assert.equal(found.provider, "azure");
    assert.deepEqual(found.clientAuthentication, {
      method: "federated_token",
      file: POD.AZURE_FEDERATED_TOKEN_FILE,
    });
    const config = await parseSection(
      { TokenCache: { Backend: "memory" }, Servers: { main: keys } },
      { env: POD },
    );
    assert.deepEqual(permissionSet(config).read, [POD.AZURE_FEDERATED_TOKEN_FILE]);
    assert.deepEqual(permissionSet(config).env, false);
  });
}

Deno.test("Keys take precedence over the variables of a pod", async () => {
  const found = await credentials({
    ...AZURE,
    ClientId: "other",
    TenantId: "other",
    Cloud: "china",
    Scope: "api://cn/.default",
    FederatedTokenFile: "token",
  }, POD);
  assert.equal(found.clientId, "other");
  assert.equal(
    found.tokenEndpoint,
    "https://login.partner.microsoftonline.cn/other/oauth2/v2.0/token",
  );
  assert.deepEqual(found.clientAuthentication, {
    method: "federated_token",
    file: "/srv/gateway/token",
  });
  const managed = await credentials({ ...MANAGED, ClientId: "other", Scope: "api://x" }, POD);
  assert.equal(managed.clientId, "other");
  assert.equal(managed.scope, "api://x/.default");
});

Deno.test("A federated token works with any provider, without Azure's variables", async () => {
  const generic = {
    ...URL_KEY,
    ClientAuthentication: "federated_token",
    TokenEndpoint: "https://idp.example/token",
    ClientId: "gateway",
    FederatedTokenFile: "/run/token",
  };
  const found = await credentials(generic, POD);
  assert.equal(found.tokenEndpoint, "https://idp.example/token");
  assert.equal(found.clientId, "gateway");
  assert.equal(found.scope, undefined);
  const { ClientId: _, ...without } = generic;
  assert.deepEqual(await serverProblems(without, { env: POD }), [
    "CFG-001 ClientId: A federated token needs ClientId",
  ]);
});

Deno.test("A managed identity is that of the pod only if all of its variables are set", async () => {
  for (
    const name of ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"] as const
  ) {
    const { [name]: _, ...env } = POD;
    const config = await parseSection({ Servers: { main: MANAGED } }, { env });
    assert.equal(config.servers.get("main")!.credentials.kind, "azure_managed_identity");
  }
  const chosen = await credentials({ ...MANAGED, ClientId: "c" }, {
    AZURE_TENANT_ID: "t",
    AZURE_FEDERATED_TOKEN_FILE: "/f",
  });
  assert.equal(chosen.clientId, "c");
});

const wrong: readonly (readonly [keys: Keys, env: Variables, ...problems: string[]])[] = [
  [
    AZURE,
    {},
    "CFG-001 ClientId: A federated token needs ClientId or the environment variable AZURE_CLIENT_ID",
    "CFG-001 FederatedTokenFile: A federated token needs FederatedTokenFile or the environment " +
    "variable AZURE_FEDERATED_TOKEN_FILE",
    "CFG-001 TokenEndpoint: OAuth2 needs TenantId or TokenEndpoint",
  ],
  [
    AZURE,
    { ...POD, AZURE_AUTHORITY_HOST: "login" },
    "CFG-002 ProviderType: the environment variable AZURE_AUTHORITY_HOST is not a usable URL",
  ],
  [
    AZURE,
    { ...POD, AZURE_AUTHORITY_HOST: "https://login.microsoftonline.us/" },
    "CFG-001 Scope: Azure needs Scope in a cloud other than the public one",
  ],
  [
    { ...AZURE, ClientSecret: "s" },
    POD,
    'CFG-002 ClientSecret: belongs to ClientAuthentication "client_secret_post"',
  ],
  [
    { ...MANAGED, IdentityPlatform: "workloadidentity" },
    {},
    'CFG-003 IdentityPlatform: "workloadidentity" needs the environment variable AZURE_TENANT_ID',
  ],
  [
    { ...MANAGED, ObjectId: "o" },
    POD,
    "CFG-002 ObjectId: does not name a workload identity; give ClientId",
  ],
  [
    { ...MANAGED, IdentityPlatform: "workloadidentity" },
    { AZURE_TENANT_ID: "t", AZURE_FEDERATED_TOKEN_FILE: "/f" },
    "CFG-001 ClientId: A federated token needs ClientId or the environment variable AZURE_CLIENT_ID",
  ],
];
for (const [keys, env, ...expected] of wrong) {
  Deno.test(`A federated token is refused: ${expected[0]} (${JSON.stringify(keys)})`, async () => {
    const found = await serverProblems(keys, { env });
    assert.equal(found.length, expected.length, found.join("\n"));
    expected.forEach((start, index) => assert(found[index]?.startsWith(start), found[index]));
  });
}
