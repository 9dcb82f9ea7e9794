/**
 * Compares the gateway's requests with those of Google's own library: the same fakes accept both.
 */
import assert from "node:assert/strict";
import {
  Compute,
  ExternalAccountClient,
  gaxios,
  Impersonated,
  JWT,
  UserRefreshClient,
} from "google-auth-library";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type {
  GoogleGrant,
  GoogleImpersonation,
} from "../../../src/config/schemes/google/google_credentials.ts";
import { Secret } from "../../../src/config/values/secret.ts";
import { createGoogleSource } from "../../../src/credentials/google/create_google_source.ts";
import type { TokenSource } from "../../../src/credentials/token.ts";
import { startGoogleMetadata } from "../../fixtures/google_metadata.ts";
import {
  type GoogleServices,
  type GoogleServicesOptions,
  type SeenGoogleRequest,
  startGoogleServices,
} from "../../fixtures/google_services.ts";
import { never, withConnection } from "../source_harness.ts";
import { ACCOUNT, KEY_ID, PRIVATE_KEY, PUBLIC_KEY } from "./google_keys.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-healthcare";
const CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";
const TARGET = "store@clinic.iam.gserviceaccount.com";
const AUDIENCE =
  "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/c";
const JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";
const SUBJECT = "subject-token";
const USER = { clientId: "gcloud", clientSecret: "secret" };

/** Redirects the library's requests for Google to a fake. */
function transporterTo(origin: string): InstanceType<typeof gaxios.Gaxios> {
  return new gaxios.Gaxios({
    fetchImplementation: (input, init) => {
      const { pathname, search } = new URL(String(input instanceof Request ? input.url : input));
      return fetch(new URL(pathname + search, origin), init);
    },
  });
}

async function withGoogle(
  options: GoogleServicesOptions,
  body: (
    google: GoogleServices,
    source: (grant: GoogleGrant, impersonation?: GoogleImpersonation) => TokenSource,
  ) => Promise<void>,
): Promise<void> {
  const google = startGoogleServices(options);
  try {
    await withConnection(
      [google.origin],
      (connection) =>
        body(google, (grant, impersonation) =>
          createGoogleSource({
            kind: "google",
            grant,
            scope: SCOPE,
            impersonation,
            quotaProject: undefined,
            refreshBufferMs: 300_000,
          }, connection)),
    );
  } finally {
    await google.close();
  }
}

function serviceAccount(google: GoogleServices): GoogleGrant {
  return {
    type: "service_account",
    tokenEndpoint: google.tokenEndpoint,
    clientEmail: ACCOUNT,
    privateKeyId: KEY_ID,
    privateKey: new Secret(PRIVATE_KEY),
  };
}

function form({ body }: SeenGoogleRequest): Record<string, string> {
  return Object.fromEntries([...new URLSearchParams(body)].sort());
}

Deno.test("The gateway requests a service account's token as Google's library does", async () => {
  const accounts = { [ACCOUNT]: { [KEY_ID]: PUBLIC_KEY } };
  // The library knows only the real audience.
  const audience = "https://oauth2.googleapis.com/token";
  await withGoogle({ serviceAccounts: accounts, audience }, async (google) => {
    const client = new JWT({
      email: ACCOUNT,
      key: PRIVATE_KEY,
      keyId: KEY_ID,
      scopes: [SCOPE],
      transporter: transporterTo(google.origin),
    });
    const { token } = await client.getAccessToken();
    assert.deepEqual(google.issued.get(token ?? ""), [SCOPE]);
    const theirs = form(google.requests[0]!);

    await withGoogle({ serviceAccounts: accounts }, async (google, source) => {
      await source(serviceAccount(google)).acquire(never);
      const ours = form(google.requests[0]!);
      assert.deepEqual(Object.keys(ours), Object.keys(theirs));
      assert.equal(ours.grant_type, theirs.grant_type);
      const [one, other] = [ours, theirs].map(({ assertion = "" }) => {
        const { iat = 0, exp = 0, aud: _, ...claims } = decodeJwt(assertion);
        return { claims, life: exp - iat };
      });
      assert.deepEqual(one, other);
      // The library omits typ and kid, which Google's documentation shows.
      const [header, theirHeader] = [ours, theirs].map(({ assertion = "" }) =>
        decodeProtectedHeader(assertion)
      );
      assert.deepEqual({ ...header, ...theirHeader }, header);
    });
  });
});

Deno.test("The gateway uses a user's refresh token as Google's library does", () =>
  withGoogle({ users: { refresh: USER } }, async (google, source) => {
    const client = new UserRefreshClient({
      ...USER,
      refreshToken: "refresh",
      transporter: transporterTo(google.origin),
    });
    const { token } = await client.getAccessToken();
    assert(google.issued.has(token ?? ""));
    const { tokenEndpoint } = google;
    await source({
      type: "authorized_user",
      tokenEndpoint,
      clientId: USER.clientId,
      clientSecret: new Secret(USER.clientSecret),
      refreshToken: new Secret("refresh"),
    }).acquire(never);
    // The library names no scope: it gets all that the user agreed to.
    assert.deepEqual(form(google.requests[1]!), { ...form(google.requests[0]!), scope: SCOPE });
  }));

Deno.test("The gateway exchanges a token and impersonates a service account as Google's library does", async () => {
  const federation = { audience: AUDIENCE, subjectTokens: new Set([SUBJECT]) };
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, SUBJECT);
  await withGoogle({ federation, mayImpersonate: [TARGET] }, async (google, source) => {
    const path = `/v1/projects/-/serviceAccounts/${encodeURIComponent(TARGET)}:generateAccessToken`;
    const client = ExternalAccountClient.fromJSON({
      type: "external_account",
      audience: AUDIENCE,
      subject_token_type: JWT_TYPE,
      token_url: google.stsEndpoint,
      credential_source: { file },
      service_account_impersonation_url: google.origin + path,
      scopes: [SCOPE],
    });
    const answer = await client?.getAccessToken();
    assert.deepEqual(google.issued.get(answer?.token ?? ""), [SCOPE]);
    await source({
      type: "external_account",
      tokenEndpoint: google.stsEndpoint,
      audience: AUDIENCE,
      subjectTokenType: JWT_TYPE,
      subject: { from: "file", file, field: undefined },
      client: undefined,
      workforceProject: undefined,
    }, { url: google.origin + path, delegates: [], lifetimeSeconds: 3600 }).acquire(never);
    const [sts, iam, ourSts, ourIam] = google.requests;
    assert.deepEqual(form(ourSts!), form(sts!));
    assert.equal(form(sts!).scope, CLOUD_PLATFORM);
    assert.equal(ourIam?.path, iam?.path);
    assert.deepEqual(JSON.parse(ourIam!.body), JSON.parse(iam!.body));
  });
  await Deno.remove(file);
});

Deno.test("The gateway names delegates as Google's library does", async () => {
  const options = {
    serviceAccounts: { [ACCOUNT]: { [KEY_ID]: PUBLIC_KEY } },
    mayImpersonate: [TARGET],
  };
  const delegates = ["projects/-/serviceAccounts/middle@clinic.iam.gserviceaccount.com"];
  await withGoogle(options, async (google, source) => {
    const transporter = transporterTo(google.origin);
    const token = await source(serviceAccount(google)).acquire(never);
    const path = `/v1/projects/-/serviceAccounts/${encodeURIComponent(TARGET)}:generateAccessToken`;
    const impersonation = { url: google.origin + path, delegates, lifetimeSeconds: 3600 };
    await source(serviceAccount(google), impersonation).acquire(never);
    const ours = google.requests.at(-1)!;

    // Only to record the library's request: the token's scope is too small for the response.
    const sourceClient = new UserRefreshClient({ transporter });
    sourceClient.setCredentials({ access_token: token.value, expiry_date: Date.now() + 3_600_000 });
    const client = new Impersonated({
      sourceClient,
      targetPrincipal: TARGET,
      targetScopes: [SCOPE],
      lifetime: 3600,
      delegates,
      transporter,
    });
    await assert.rejects(client.getAccessToken(), /insufficient authentication scopes/);
    const theirs = google.requests.at(-1)!;
    assert.equal(decodeURIComponent(theirs.path), decodeURIComponent(ours.path));
    assert.deepEqual(JSON.parse(theirs.body), JSON.parse(ours.body));
  });
});

Deno.test("The gateway asks the metadata server as Google's library does", async () => {
  const fake = startGoogleMetadata();
  const before = Deno.env.get("GCE_METADATA_HOST");
  Deno.env.set("GCE_METADATA_HOST", new URL(fake.origin).host);
  try {
    const { token } = await new Compute({ scopes: [SCOPE] }).getAccessToken();
    assert.equal(token, fake.issued[0]);
    await withConnection([fake.origin], async (connection) => {
      const source = createGoogleSource({
        kind: "google",
        grant: { type: "metadata", origin: fake.origin, account: "default" },
        scope: SCOPE,
        impersonation: undefined,
        quotaProject: undefined,
        refreshBufferMs: 300_000,
      }, connection);
      await source.acquire(never);
    });
    const [theirs, ours] = fake.requests.filter(({ url }) => url.pathname.endsWith("/token"));
    assert.equal(ours?.url.href, theirs?.url.href);
    assert.equal(ours?.headers.get("metadata-flavor"), theirs?.headers.get("metadata-flavor"));
  } finally {
    if (before === undefined) Deno.env.delete("GCE_METADATA_HOST");
    else Deno.env.set("GCE_METADATA_HOST", before);
    await fake.close();
  }
});
