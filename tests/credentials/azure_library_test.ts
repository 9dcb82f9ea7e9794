/**
 * Holds the fakes, and by them the gateway's requests, to Microsoft's own library: what that sends is
 * accepted by the same fakes, and the gateway sends the same.
 */
import {
  ConfidentialClientApplication,
  type Configuration,
  type INetworkModule,
  type NetworkRequestOptions,
} from "@azure/msal-node";
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { IdentityService } from "../../src/config/schemes/azure/azure_platform.ts";
import type { UserAssignedIdentity } from "../../src/config/schemes/azure/managed_identity.ts";
import { Secret } from "../../src/config/values/secret.ts";
import { clientCredentialsSource } from "../../src/credentials/oauth2/client_credentials_source.ts";
import { managedIdentitySource } from "../../src/credentials/azure/managed_identity_source.ts";
import { parseSection } from "../config/memory_files.ts";
import {
  type FakeIdentityService,
  startAppService,
  startImds,
} from "../fixtures/azure_identity_services.ts";
import type { LibraryAnswer, LibraryQuestion } from "../fixtures/azure_library_worker.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import { startEntra } from "../fixtures/entra.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { never, withConnection } from "./source_harness.ts";

const RESOURCE = "https://dicom.healthcareapis.azure.com";
const CLIENT = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
const OBJECT = "2b4e28ba-2fa1-11d2-883f-0016d3cca427";
const RESOURCE_ID = "/subscriptions/s/resourceGroups/g/providers/p/userAssignedIdentities/i";

/** Sends what the library sends to Entra ID to a fake. */
function networkTo(tokenEndpoint: string): INetworkModule {
  async function send<T>(method: string, url: string, options: NetworkRequestOptions = {}) {
    const { pathname } = new URL(url);
    assert(pathname.endsWith("/oauth2/v2.0/token"), `the library asks ${url}`);
    const response = await fetch(tokenEndpoint, {
      method,
      headers: options.headers ?? {},
      body: options.body ?? null,
    });
    return {
      headers: Object.fromEntries(response.headers),
      body: await response.json() as T,
      status: response.status,
    };
  }
  return {
    sendGetRequestAsync: (url, options) => send("GET", url, options),
    sendPostRequestAsync: (url, options) =>
      send("POST", url, {
        ...options,
        headers: { ...options?.headers, "content-type": "application/x-www-form-urlencoded" },
      }),
  };
}

Deno.test(needing(OPENSSL, {
  name: "The gateway signs for Entra ID with a certificate as Microsoft's library does",
  fn: signsAsTheLibrary,
}));

async function signsAsTheLibrary(): Promise<void> {
  await using authority = await CertificateAuthority.create();
  const { certificatePem, keyPem } = await authority.issue({
    commonName: "gateway",
    key: ["rsa:2048"],
  });
  const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
  const entra = startEntra({ tenant, applications: { [CLIENT]: { certificate: certificatePem } } });
  try {
    const { raw } = new X509Certificate(certificatePem);
    const configuration: Configuration = {
      auth: {
        clientId: CLIENT,
        authority: `https://login.microsoftonline.com/${tenant}`,
        // So that it asks no one for what it would find there.
        knownAuthorities: ["login.microsoftonline.com"],
        clientCertificate: {
          thumbprintSha256: createHash("sha256").update(raw).digest("hex"),
          privateKey: keyPem,
        },
      },
      system: { networkClient: networkTo(entra.tokenEndpoint) },
    };
    const library = new ConfidentialClientApplication(configuration);
    const scopes = [`${RESOURCE}/.default`];
    // The true audience is not the fake's: only what it sends is looked at.
    await library.acquireTokenByClientCredential({ scopes }).catch(() => {});

    await withConnection([entra.tokenEndpoint], async (connection) => {
      const config = await parseSection({
        Servers: {
          main: {
            Url: "https://store.example",
            ProviderType: "azure",
            TokenEndpoint: entra.tokenEndpoint,
            ClientId: CLIENT,
            ClientAuthentication: "private_key_jwt",
            PrivateKey: keyPem,
            AssertionCertificate: certificatePem,
          },
        },
      });
      const { credentials } = config.servers.get("main")!;
      assert(credentials.kind === "client_credentials");
      await clientCredentialsSource(credentials, connection).acquire(never);
    });

    const [theirs, ours] = entra.requests;
    for (const [name, value] of ours!) {
      if (name === "client_assertion") continue;
      if (name === "scope") assert(theirs!.get(name)?.split(" ").includes(value));
      else assert.equal(theirs!.get(name), value, name);
    }
    const header = decodeProtectedHeader(ours!.get("client_assertion")!);
    const theirHeader = decodeProtectedHeader(theirs!.get("client_assertion")!);
    assert.deepEqual({ ...header, ...theirHeader }, header);
    const claims = decodeJwt(ours!.get("client_assertion")!);
    const theirClaims = decodeJwt(theirs!.get("client_assertion")!);
    assert.deepEqual(Object.keys(theirClaims).filter((name) => !Object.hasOwn(claims, name)), []);
    assert.equal(claims.iss, theirClaims.iss);
    assert.equal(claims.sub, theirClaims.sub);
    assert.equal(
      theirClaims.aud,
      `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`,
    );
  } finally {
    await entra.close();
  }
}

/** The library finds the platform by the environment alone. */
async function withVariables(
  variables: Readonly<Record<string, string>>,
  body: () => Promise<void>,
): Promise<void> {
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    await body();
  } finally {
    for (const name of Object.keys(variables)) Deno.env.delete(name);
  }
}

async function askLibrary(identity: LibraryQuestion["identity"]): Promise<LibraryAnswer> {
  const url = import.meta.resolve("../fixtures/azure_library_worker.ts");
  const worker = new Worker(url, { type: "module" });
  const answered = new Promise<LibraryAnswer>((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
  });
  worker.postMessage({ resource: RESOURCE, identity } satisfies LibraryQuestion);
  try {
    return await answered;
  } finally {
    worker.terminate();
  }
}

const identities: readonly (readonly [
  ours: UserAssignedIdentity | undefined,
  theirs: Readonly<Record<string, string>>,
])[] = [
  [undefined, {}],
  [{ by: "client", id: CLIENT }, { userAssignedClientId: CLIENT }],
  [{ by: "object", id: OBJECT }, { userAssignedObjectId: OBJECT }],
  [{ by: "resource", id: RESOURCE_ID }, { userAssignedResourceId: RESOURCE_ID }],
];
const known = [
  {},
  { clientId: CLIENT },
  { objectId: OBJECT },
  { resourceId: RESOURCE_ID },
];

for (const platform of ["vm", "appservice"] as const) {
  for (const [identity, theirIdentity] of identities) {
    const which = identity === undefined ? "system-assigned" : `user-assigned by ${identity.by}`;
    Deno.test(`The gateway asks for a managed identity as Microsoft's library does: ${platform}, ${which}`, async () => {
      const fake: FakeIdentityService = platform === "vm"
        ? startImds({ identities: known })
        : startAppService({ identities: known, header: "header" });
      const service: IdentityService = platform === "vm"
        ? { platform, endpoint: fake.url }
        : { platform, endpoint: fake.url, header: new Secret("header") };
      const variables: Record<string, string> = platform === "vm"
        ? { AZURE_POD_IDENTITY_AUTHORITY_HOST: fake.origin }
        : { IDENTITY_ENDPOINT: fake.url, IDENTITY_HEADER: "header" };
      try {
        await withVariables(variables, async () => {
          assert.deepEqual(await askLibrary(theirIdentity), { token: fake.issued[0] });
        });
        await withConnection([fake.url], async (connection) => {
          const source = managedIdentitySource({
            kind: "azure_managed_identity",
            service,
            resource: RESOURCE,
            identity,
            refreshBufferMs: 300_000,
          }, connection);
          assert.equal((await source.acquire(never)).value, fake.issued[0]);
        });
        const [theirs, ours] = fake.requests;
        const parameters = (index: number) =>
          [...fake.requests[index]!.url.searchParams].map(([name, value]) => `${name}=${value}`);
        assert.deepEqual(parameters(1).sort(), parameters(0).sort());
        for (const name of ["metadata", "x-identity-header"]) {
          assert.equal(
            ours!.headers.get(name)?.toLowerCase(),
            theirs!.headers.get(name)?.toLowerCase(),
          );
        }
      } finally {
        await fake.close();
      }
    });
  }
}
