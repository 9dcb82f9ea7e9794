/**
 * Client credentials of Microsoft Entra ID, from the configuration to the token.
 */
import assert from "node:assert/strict";
import { SignJWT } from "jose";
import type { ClientCredentials } from "../../src/config/schemes/oauth2/token_request.ts";
import { clientCredentialsSource } from "../../src/credentials/oauth2/client_credentials_source.ts";
import type { TokenSource } from "../../src/credentials/token.ts";
import type { ErrorCode } from "../../src/errors/catalogue.ts";
import { parseSection } from "../config/memory_files.ts";
import { CertificateAuthority, OPENSSL } from "../fixtures/certificate_authority.ts";
import {
  type Entra,
  type EntraApplication,
  FEDERATED_AUDIENCE,
  startEntra,
} from "../fixtures/entra.ts";
import { FakeClock } from "../fixtures/fake_clock.ts";
import { needing } from "../fixtures/installed_tool.ts";
import { failureOf, never, withConnection } from "./source_harness.ts";

const CLIENT = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
const SECRET = "marked~8Q~secret/+";
const ISSUER = "https://eastus.oic.prod-aks.azure.com/t/i/";
const SUBJECT = "system:serviceaccount:imaging:gateway";

type Keys = Readonly<Record<string, unknown>>;

interface Parts {
  readonly entra: Entra;
  readonly clock: FakeClock;
  source(keys?: Keys, env?: Readonly<Record<string, string>>): Promise<TokenSource>;
}

async function withEntra(
  application: EntraApplication,
  body: (parts: Parts) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  const entra = startEntra({ applications: { [CLIENT]: application }, now: () => clock.now() });
  try {
    await withConnection([entra.tokenEndpoint], (connection) =>
      body({
        entra,
        clock,
        async source(keys = {}, env = {}) {
          const server = {
            Url: "https://store.example",
            ProviderType: "azure",
            TenantId: "contoso.example",
            TokenEndpoint: entra.tokenEndpoint,
            ClientId: CLIENT,
            ...keys,
          };
          const config = await parseSection({ Servers: { main: server } }, { env });
          const { credentials } = config.servers.get("main")!;
          assert(credentials.kind === "client_credentials");
          return clientCredentialsSource(credentials as ClientCredentials, connection);
        },
      }), { clock });
  } finally {
    await entra.close();
  }
}

Deno.test("Entra ID gives a token for a secret, of the DICOM service's scope", () =>
  withEntra({ secret: SECRET }, async ({ entra, source }) => {
    const token = await (await source({ ClientSecret: SECRET })).acquire(never);
    assert.equal(token.value, entra.issued[0]);
    assert.equal(token.expiresAtMs - token.issuedAtMs, 3_599_000);
    assert.deepEqual(Object.fromEntries(entra.requests[0]!), {
      grant_type: "client_credentials",
      scope: "https://dicom.healthcareapis.azure.com/.default",
      client_id: CLIENT,
      client_secret: SECRET,
    });
  }));

const refusals: readonly (readonly [
  what: string,
  application: EntraApplication,
  keys: Keys,
  code: ErrorCode,
  aadsts: number,
  advice: RegExp,
])[] = [
  ["a wrong secret", { secret: "other" }, {}, "AUTH-001", 7000215, /Secret ID/],
  [
    "an expired secret",
    { secret: SECRET, isSecretExpired: true },
    {},
    "AUTH-001",
    7000222,
    /create a new one/,
  ],
  ["an unknown client", {}, { ClientId: "other" }, "AUTH-001", 700016, /check that ClientId/],
  [
    "a scope without /.default",
    {},
    { Scope: "https://dicom.healthcareapis.azure.com" },
    "AUTH-002",
    1002012,
    /ends in \/\.default/,
  ],
  ["an unknown audience", {}, { Scope: "api://x/.default" }, "AUTH-002", 500011, /check Scope/],
];
for (const [what, application, keys, code, aadsts, advice] of refusals) {
  Deno.test(`Entra ID's refusal of ${what} is ${code}, with Entra's advice first`, () =>
    withEntra(application, async ({ source }) => {
      const client = await source({ ClientSecret: SECRET, ...keys });
      const error = await failureOf(client.acquire(never), [SECRET]);
      assert.equal(error.code, code);
      assert.match(error.message, new RegExp(`AADSTS${aadsts}: .* Trace ID: `));
      assert.match(error.troubleshooting[0] ?? "", advice);
    }));
}

Deno.test("Entra ID's unknown tenant points to TenantId and Cloud", () =>
  withEntra({ secret: SECRET }, async ({ entra, source }) => {
    const endpoint = entra.tokenEndpoint.replace("contoso.example", "fabrikam.example");
    const wrong = await source({ ClientSecret: SECRET, TokenEndpoint: endpoint });
    const error = await failureOf(wrong.acquire(never), [SECRET]);
    assert.equal(error.code, "TOK-001");
    assert.match(error.troubleshooting[0] ?? "", /check TenantId, and Cloud/);
  }));

Deno.test(needing(OPENSSL, {
  name: "Entra ID takes an assertion of the uploaded certificate, a new one each time",
  fn: takesCertificate,
}));

async function takesCertificate(): Promise<void> {
  await using authority = await CertificateAuthority.create();
  const rsa = ["rsa:2048"];
  const { certificatePem, keyPem } = await authority.issue({ commonName: "gateway", key: rsa });
  const other = await authority.issue({ commonName: "gateway", key: rsa });
  const keys = {
    ClientAuthentication: "private_key_jwt",
    PrivateKey: keyPem,
    AssertionCertificate: certificatePem,
  };
  await withEntra({ certificate: certificatePem }, async ({ entra, source }) => {
    for (const algorithm of [{}, { AssertionAlgorithm: "RS256" }]) {
      const client = await source({ ...keys, ...algorithm });
      await client.acquire(never);
      await client.acquire(never);
    }
    assert.equal(entra.issued.length, 4);
    assert.deepEqual([...entra.requests[0]!.keys()].sort(), [
      "client_assertion",
      "client_assertion_type",
      "client_id",
      "grant_type",
      "scope",
    ]);
    const refused = await source({
      ...keys,
      PrivateKey: other.keyPem,
      AssertionCertificate: other.certificatePem,
    });
    const unknown = await failureOf(refused.acquire(never));
    assert.equal(unknown.code, "AUTH-001");
    assert.match(unknown.troubleshooting[0] ?? "", /upload the very certificate/);

    const audience = await source({ ...keys, AssertionAudience: "https://other.example" });
    assert.equal((await failureOf(audience.acquire(never))).code, "AUTH-001");
  });
}

/** A token as Kubernetes writes it; the fake does not check whose signature it bears. */
async function serviceAccountToken(clock: FakeClock, subject = SUBJECT): Promise<string> {
  return await new SignJWT()
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(ISSUER)
    .setSubject(subject)
    .setAudience(FEDERATED_AUDIENCE)
    .setIssuedAt(Math.floor(clock.now() / 1000))
    .setExpirationTime(Math.floor(clock.now() / 1000) + 3600)
    .sign(new TextEncoder().encode("the platform's key, which nobody here knows"));
}

Deno.test("Entra ID takes the pod's token, which is read anew each time", () =>
  withEntra(
    { federated: [{ issuer: ISSUER, subject: SUBJECT }] },
    async ({ entra, clock, source }) => {
      const directory = await Deno.makeTempDir();
      const file = `${directory}/azure-identity-token`;
      const client = await source({
        ClientAuthentication: "federated_token",
        FederatedTokenFile: file,
      });
      const first = await serviceAccountToken(clock);
      await Deno.writeTextFile(file, first);
      assert.equal((await client.acquire(never)).value, entra.issued[0]);
      assert.equal(entra.requests[0]?.get("client_assertion"), first);

      await clock.advance(3_700_000);
      const expired = await failureOf(client.acquire(never), first.split("."));
      assert.equal(expired.code, "AUTH-001");
      assert.match(expired.troubleshooting[0] ?? "", /file is still renewed/);

      await Deno.writeTextFile(file, await serviceAccountToken(clock));
      await client.acquire(never);
      assert.equal(entra.issued.length, 2);

      await Deno.writeTextFile(file, await serviceAccountToken(clock, "system:serviceaccount:x:y"));
      const stranger = await failureOf(client.acquire(never));
      assert.match(stranger.troubleshooting[0] ?? "", /issuer, subject and audience/);

      await Deno.remove(file);
      const missing = await failureOf(client.acquire(never));
      assert.equal(missing.code, "TOK-001");
      assert.match(missing.message, /azure-identity-token cannot be read: no such file$/);
      assert.match(missing.troubleshooting[0] ?? "", /FederatedTokenFile/);
      await Deno.remove(directory, { recursive: true });
    },
  ));
