/**
 * The rules of `ProviderType: "azuremanagedidentity"` on each platform.
 */
import assert from "node:assert/strict";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import type { ManagedIdentity } from "../../src/config/schemes/azure/managed_identity.ts";
import { permissionSet } from "../../src/config/sandbox/permission_set.ts";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import { assertProblem, parseSection, reachOf, serverProblems } from "./memory_files.ts";

type Keys = Readonly<Record<string, unknown>>;
type Variables = Readonly<Record<string, string>>;

const BASE = { Url: "https://store.example", ProviderType: "azuremanagedidentity" };
const APP_SERVICE = {
  IDENTITY_ENDPOINT: "http://127.0.0.1:41564/msi/token",
  IDENTITY_HEADER: "853b9a84",
};
const ARC = {
  IDENTITY_ENDPOINT: "http://localhost:40342/metadata/identity/oauth2/token",
  IMDS_ENDPOINT: "http://localhost:40342",
};

function load(keys: Keys, env: Variables): Promise<GatewayConfig> {
  const Servers = { main: { ...BASE, ...keys } };
  return parseSection({ TokenCache: { Backend: "memory" }, Servers }, { env });
}

async function identity(keys: Keys, env: Variables = {}): Promise<ManagedIdentity> {
  const credentials = (await load(keys, env)).servers.get("main")?.credentials;
  assert(credentials?.kind === "azure_managed_identity");
  return credentials;
}

Deno.test("A managed identity needs no key but Url", async () => {
  const { service, resource, identity: chosen, refreshBufferMs } = await identity({});
  assert.deepEqual(service, {
    platform: "vm",
    endpoint: "http://169.254.169.254/metadata/identity/oauth2/token",
  });
  assert.equal(resource, "https://dicom.healthcareapis.azure.com");
  assert.equal(chosen, undefined);
  assert.equal(refreshBufferMs, 300_000);
});

const platforms: readonly (readonly [
  keys: Keys,
  env: Variables,
  platform: string,
  endpoint: string,
])[] = [
  [{}, APP_SERVICE, "appservice", APP_SERVICE.IDENTITY_ENDPOINT],
  [{}, { ...ARC, ...APP_SERVICE }, "appservice", APP_SERVICE.IDENTITY_ENDPOINT],
  [{}, ARC, "arc", ARC.IDENTITY_ENDPOINT],
  [
    { IdentityPlatform: "arc" },
    {},
    "arc",
    "http://127.0.0.1:40342/metadata/identity/oauth2/token",
  ],
  [
    { IdentityPlatform: "vm" },
    APP_SERVICE,
    "vm",
    "http://169.254.169.254/metadata/identity/oauth2/token",
  ],
  [
    {},
    { AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://127.0.0.1:2579" },
    "vm",
    "http://127.0.0.1:2579/metadata/identity/oauth2/token",
  ],
];
for (const [keys, env, platform, endpoint] of platforms) {
  const given = JSON.stringify([keys, Object.keys(env)]);
  Deno.test(`The platform of a managed identity is ${platform} with ${given}`, async () => {
    const { service } = await identity(keys, env);
    assert.equal(service.platform, platform);
    assert.equal(service.endpoint, endpoint);
  });
}

const identities: readonly (readonly [keys: Keys, env: Variables, identity: unknown])[] = [
  [{ ClientId: "c" }, {}, { by: "client", id: "c" }],
  [{ ObjectId: "o" }, {}, { by: "object", id: "o" }],
  [{ ResourceId: "/r" }, {}, { by: "resource", id: "/r" }],
  [{}, { AZURE_CLIENT_ID: "e" }, { by: "client", id: "e" }],
  [{ ClientId: "c" }, { AZURE_CLIENT_ID: "e" }, { by: "client", id: "c" }],
  [{}, { ...ARC, AZURE_CLIENT_ID: "e" }, undefined],
];
for (const [keys, env, expected] of identities) {
  const given = JSON.stringify([keys, Object.keys(env)]);
  Deno.test(`The identity is ${JSON.stringify(expected)} with ${given}`, async () => {
    assert.deepEqual((await identity(keys, env)).identity, expected);
  });
}

const scopes = [
  ["https://dicom.example/.default", "https://dicom.example"],
  ["https://dicom.example//.default", "https://dicom.example/"],
  ["api://1b4e28ba", "api://1b4e28ba"],
] as const;
for (const [Scope, resource] of scopes) {
  Deno.test(`The audience of the scope ${Scope} is ${resource}`, async () => {
    assert.equal((await identity({ Scope })).resource, resource);
  });
}

const wrong: readonly (readonly [keys: Keys, env: Variables, problem: string])[] = [
  [
    { IdentityPlatform: "container" },
    {},
    'CFG-002 IdentityPlatform: must be one of "auto", "vm", "appservice", "arc"',
  ],
  [
    { IdentityPlatform: "appservice" },
    { IDENTITY_ENDPOINT: "http://127.0.0.1:1/" },
    'CFG-003 IdentityPlatform: "appservice" needs the environment variable IDENTITY_HEADER, which is not set',
  ],
  [
    {},
    { ...APP_SERVICE, IDENTITY_ENDPOINT: "nowhere" },
    "CFG-002 IdentityPlatform: the environment variable IDENTITY_ENDPOINT is not a usable URL",
  ],
  [
    {},
    { ...APP_SERVICE, IDENTITY_SERVER_THUMBPRINT: "ab" },
    "CFG-002 IdentityPlatform: the identity service of Service Fabric is not supported",
  ],
  [
    { ClientId: "c", ResourceId: "/r" },
    {},
    "CFG-002 ResourceId: names the identity that ClientId names; remove one",
  ],
  [
    { ObjectId: "o" },
    ARC,
    "CFG-002 ObjectId: names a user-assigned identity, which is not supported with Azure Arc",
  ],
  [{ Scope: "a b" }, {}, "CFG-002 Scope: must be one scope, without blanks"],
  [
    { ClientSecret: "s" },
    {},
    'CFG-002 ClientSecret: belongs to ProviderType "auto", "azure"',
  ],
];
for (const [keys, env, problem] of wrong) {
  Deno.test(`A managed identity is refused: ${problem}`, async () => {
    assertProblem(await serverProblems({ ...BASE, ...keys }, { env }), problem);
  });
}

Deno.test("A managed identity reaches its platform's service only, and not through the proxy", async () => {
  const vm = await load({}, {});
  assert.deepEqual(networkAllowlist(vm), ["169.254.169.254:80", "store.example:443"]);
  const reach = reachOf(vm);
  assert.deepEqual(reach.urls, []);
  assert.deepEqual(permissionSet(vm).read, false);

  const arc = await load({}, ARC);
  assert.deepEqual(networkAllowlist(arc), ["localhost:40342", "store.example:443"]);
  assert.deepEqual(permissionSet(arc).read, ["/var/opt/azcmagent/tokens"]);
  assert.deepEqual(permissionSet(arc).write, false);

  const windows = await load({}, { ...ARC, ProgramData: "C:\\ProgramData" });
  assert.deepEqual(reachOf(windows).files, [
    "C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens",
  ]);
});

Deno.test("The header of App Service is a secret of the configuration", async () => {
  const config = await load({}, APP_SERVICE);
  assert(!Deno.inspect(config, { depth: 9 }).includes(APP_SERVICE.IDENTITY_HEADER));
  assert(!JSON.stringify([...config.servers]).includes(APP_SERVICE.IDENTITY_HEADER));
});
