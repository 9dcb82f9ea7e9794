/**
 * The rules of `ProviderType: "google"`: credentials, and what they reach.
 */
import assert from "node:assert/strict";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { permissionSet } from "../../src/config/sandbox/permission_set.ts";
import { ACCOUNT, KEY_ID } from "../credentials/google/google_keys.ts";
import {
  credentials,
  FEDERATION,
  FILE,
  IAM,
  KEY,
  type Keys,
  load,
  problems,
  reach,
  surroundings,
  USER,
} from "./google_harness.ts";
import { assertProblem, parseSection, reachOf } from "./memory_files.ts";

const keyForms: readonly (readonly [form: string, keys: Keys, file: unknown])[] = [
  ["an object", { ServiceAccountKey: KEY }, undefined],
  ["a variable", { ServiceAccountKey: "${KEY}" }, undefined],
  ["a secret file", { ServiceAccountKey: `\${file:${FILE}}` }, undefined],
  ["a credentials file", {}, KEY],
];
for (const [form, keys, file] of keyForms) {
  Deno.test(`A service account's key may be ${form}`, async () => {
    const around = form === "a secret file" ? { ...keys } : keys;
    const found = form === "a secret file"
      ? (await parseSection({
        Servers: { main: { Url: "https://store.example", ProviderType: "google", ...around } },
      }, surroundings(KEY))).servers.get("main")!.credentials
      : await credentials(keys, file);
    assert(found.kind === "google");
    const { grant, scope, impersonation } = found;
    assert(grant.type === "service_account");
    assert.equal(grant.clientEmail, ACCOUNT);
    assert.equal(grant.privateKeyId, KEY_ID);
    assert.equal(grant.tokenEndpoint, "https://oauth2.googleapis.com/token");
    assert.equal(scope, "https://www.googleapis.com/auth/cloud-healthcare");
    assert.equal(impersonation, undefined);
  });
}

Deno.test("A service account's key may have gone through JSON twice, or follow a byte order mark", async () => {
  const twice = { ...KEY, private_key: KEY.private_key.replaceAll("\n", "\\n") };
  const keys = { ServiceAccountKey: "${KEY}" };
  for (
    const { servers } of [
      await load({ CredentialsFile: FILE }, `\uFEFF${JSON.stringify(KEY)}`),
      await load({ ServiceAccountKey: JSON.stringify(twice) }),
      await load(keys),
    ]
  ) {
    const { credentials } = servers.get("main")!;
    assert(credentials.kind === "google" && credentials.grant.type === "service_account");
    assert.equal(credentials.grant.privateKey.reveal().trim(), KEY.private_key.trim());
  }
});

Deno.test("Printing the configuration reveals no secret of Google's file", async () => {
  const configs = [
    await load({}, KEY),
    await load({}, USER),
    await load({}, {
      ...FEDERATION,
      client_id: "c",
      client_secret: "s3cret-sts",
      credential_source: { url: "https://idp.example/t", headers: { a: "s3cret-header" } },
    }),
  ];
  for (const config of configs) {
    const told = Deno.inspect(config, { depth: 9 }) + JSON.stringify([...config.servers]);
    assert(!told.includes("s3cret") && !told.includes("PRIVATE KEY"), told);
  }
});

Deno.test("Client credentials of ProviderType google, as in the plugin, still load", async () => {
  const keys = { TokenEndpoint: "https://idp.example/token", ClientId: "c", ClientSecret: "s" };
  const found = (await load(keys)).servers.get("main")!.credentials;
  assert(found.kind === "client_credentials");
  assert.equal(found.tokenEndpoint, "https://idp.example/token");
});

Deno.test("The metadata server is reached without the proxy, at the host of Google's variable", async () => {
  const config = await load({ CredentialSource: "metadata" });
  const found = config.servers.get("main")!.credentials;
  assert(found.kind === "google");
  assert.deepEqual(found.grant, {
    type: "metadata",
    origin: "http://metadata.google.internal",
    account: "default",
  });
  assert.deepEqual(networkAllowlist(config), [
    "healthcare.googleapis.com:443",
    "metadata.google.internal:80",
  ]);
  assert.deepEqual(reachOf(config).urls, []);
  assert.deepEqual(permissionSet(config).read, [config.stateDirectory]);
  const moved = await credentials(
    { CredentialSource: "metadata", ServiceAccount: ACCOUNT },
    undefined,
    {
      GCE_METADATA_HOST: "127.0.0.1:8080",
    },
  );
  assert.deepEqual(moved.grant, {
    type: "metadata",
    origin: "http://127.0.0.1:8080",
    account: ACCOUNT,
  });
});

Deno.test("The billed project comes from a user's file, and a key overrides it", async () => {
  assert.equal((await credentials({}, USER)).quotaProject, "billing");
  assert.equal((await credentials({ QuotaProject: "other" }, USER)).quotaProject, "other");
});

Deno.test("A federated identity reaches the exchange and its own source, and a worker may read one file", async () => {
  const fromFile = await load({}, { ...FEDERATION, credential_source: { file: "tokens/k8s" } });
  assert.deepEqual(networkAllowlist(fromFile), [
    "healthcare.googleapis.com:443",
    "sts.googleapis.com:443",
  ]);
  assert.deepEqual(permissionSet(fromFile).read, [
    fromFile.stateDirectory,
    "/srv/gateway/tokens/k8s",
  ]);

  const source = (url: string) =>
    reach({}, {
      ...FEDERATION,
      credential_source: {
        url,
        headers: { Metadata: "true" },
        format: { type: "json", subject_token_field_name: "access_token" },
      },
    });
  const remote = await source("https://idp.example/token?a=b");
  assert.deepEqual(remote.urls, [FEDERATION.token_url, "https://idp.example/token?a=b"]);
  for (
    const url of ["http://169.254.169.254/metadata", "http://127.0.0.1:1/", "http://localhost/"]
  ) {
    assert.deepEqual((await source(url)).localUrls, [url]);
  }
});

/** As `gcloud iam workload-identity-pools create-cred-config --aws` writes it. */
const AWS_SOURCE = {
  environment_id: "aws1",
  region_url: "http://169.254.169.254/latest/meta-data/placement/availability-zone",
  url: "http://169.254.169.254/latest/meta-data/iam/security-credentials",
  regional_cred_verification_url:
    "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
};

Deno.test("An identity of AWS is found like AWS's own tools do, and the region in a key or a variable", async () => {
  const file = { ...FEDERATION, credential_source: AWS_SOURCE };
  const env = { AWS_REGION: "eu-west-1" };
  const { grant } = await credentials({}, file, env);
  assert(grant.type === "external_account" && grant.subject.from === "aws");
  assert.equal(
    grant.subject.url,
    "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
  );
  assert.deepEqual(await reach({}, file, env), {
    urls: [FEDERATION.token_url],
    localUrls: ["http://169.254.169.254"],
    files: [],
    state: false,
  });
  const pod = await reach({ Region: "us-east-1" }, file, {
    ...env,
    AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token",
    AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/Gateway",
  });
  assert.deepEqual(pod, {
    urls: [FEDERATION.token_url, "https://sts.us-east-1.amazonaws.com/"],
    localUrls: [],
    files: ["/var/run/token"],
    state: false,
  });
});

Deno.test("Impersonation comes from the file or from a key, always at Google's own API", async () => {
  const url = `${IAM}/${ACCOUNT}:generateAccessToken`;
  const encoded = `${IAM}/${encodeURIComponent(ACCOUNT)}:generateAccessToken`;
  const file = {
    ...FEDERATION,
    service_account_impersonation_url: url,
    service_account_impersonation: { token_lifetime_seconds: 7200 },
  };
  const federated = await credentials({}, file);
  assert.deepEqual(federated.impersonation, { url: encoded, delegates: [], lifetimeSeconds: 7200 });
  assert.deepEqual((await reach({}, file)).urls, [encoded, FEDERATION.token_url]);

  const nested = await credentials({}, {
    type: "impersonated_service_account",
    service_account_impersonation_url: url,
    source_credentials: USER,
    delegates: ["a@b"],
  });
  assert.equal(nested.grant.type, "authorized_user");
  assert.deepEqual(nested.impersonation, {
    url: encoded,
    delegates: ["a@b"],
    lifetimeSeconds: 3600,
  });

  const keyed = await credentials({
    CredentialSource: "metadata",
    ImpersonateServiceAccount: ACCOUNT,
  });
  assert.deepEqual(keyed.impersonation, { url: encoded, delegates: [], lifetimeSeconds: 3600 });
});

Deno.test("TokenEndpoint overrides that of a file", async () => {
  const keys = { TokenEndpoint: "http://127.0.0.1:1/token" };
  for (const file of [KEY, USER, FEDERATION]) {
    const { grant } = await credentials(keys, { ...file, token_uri: "https://evil.example/" });
    assert(grant.type !== "metadata");
    assert.equal(grant.tokenEndpoint, "http://127.0.0.1:1/token");
  }
});

Deno.test("A subject token over plain HTTP causes a warning", async () => {
  const warnings = async (url: string) =>
    (await load({}, { ...FEDERATION, credential_source: { url } })).warnings ?? [];
  assert.match(
    (await warnings("http://idp.example/token")).join(),
    /travels to the gateway unencrypted/,
  );
  assert.deepEqual(await warnings("http://169.254.169.254/token"), []);
  assert.deepEqual(await warnings("https://idp.example/token"), []);
  const endpoint = (await load({ TokenEndpoint: "http://idp.example/token" }, KEY)).warnings ?? [];
  assert.match(endpoint.join(), /TokenEndpoint: .*unencrypted/);
  const local = (await load({ TokenEndpoint: "http://127.0.0.1:1/token" }, KEY)).warnings ?? [];
  assert.deepEqual(local, []);
});

Deno.test("The message about a value of another type names all members of a union", async () => {
  assert.deepEqual(await problems({ CredentialSource: "metadata", ServiceAccount: 3 }), [
    'CFG-002 ServiceAccount: must be the email address of a service account, or "default"',
  ]);
});

Deno.test("Audience asks for ID tokens, of service accounts only", async () => {
  assert.equal((await credentials({ Audience: "a" }, KEY)).audience, "a");
  assert.equal((await credentials({ CredentialSource: "metadata", Audience: "a" })).audience, "a");
  const need =
    "CFG-002 Audience: needs ImpersonateServiceAccount: only service accounts get ID tokens";
  for (const file of [USER, FEDERATION]) {
    assertProblem(await problems({ Audience: "a" }, file), need);
    const account = { Audience: "a", ImpersonateServiceAccount: ACCOUNT };
    assert.equal((await credentials(account, file)).audience, "a");
  }
});
