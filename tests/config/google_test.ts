/**
 * The rules of `ProviderType: "google"`: what is chosen by which keys, what a file of Google's may say,
 * and what is reached because of it.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { networkAllowlist } from "../../src/config/allowlist.ts";
import { credentialsReach } from "../../src/config/credentials_reach.ts";
import type { GatewayConfig } from "../../src/config/gateway_config.ts";
import type { GoogleCredentials } from "../../src/config/google_config.ts";
import { permissionSet } from "../../src/config/permission_set.ts";
import { ACCOUNT, KEY_ID, PRIVATE_KEY } from "../credentials/google/google_keys.ts";
import { parseSection, problemsOf } from "./memory_files.ts";

type Keys = Readonly<Record<string, unknown>>;

const FILE = "/etc/google.json";
const IAM = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts";
const KEY = {
  type: "service_account",
  project_id: "clinic",
  private_key_id: KEY_ID,
  private_key: PRIVATE_KEY,
  client_email: ACCOUNT,
  client_id: "1",
  auth_uri: "https://accounts.google.com/o/oauth2/auth",
  token_uri: "https://oauth2.googleapis.com/token",
  universe_domain: "googleapis.com",
};
const USER = {
  type: "authorized_user",
  client_id: "gcloud",
  client_secret: "s3cret-client",
  refresh_token: "s3cret-refresh",
  quota_project_id: "billing",
};
const FEDERATION = {
  type: "external_account",
  audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/c",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
  token_url: "https://sts.googleapis.com/v1/token",
  credential_source: { file: "/run/token" },
};

function surroundings(file: unknown) {
  return {
    files: { [FILE]: typeof file === "string" ? file : JSON.stringify(file) },
    env: { KEY: JSON.stringify(KEY) },
  };
}

function load(
  keys: Keys,
  file?: unknown,
  env: Record<string, string> = {},
): Promise<GatewayConfig> {
  const server = {
    Url: "https://healthcare.googleapis.com/v1/dicomWeb",
    ProviderType: "google",
    ...(file !== undefined && { CredentialsFile: FILE }),
    ...keys,
  };
  const around = surroundings(file ?? "");
  return parseSection({ Servers: { main: server } }, { ...around, env: { ...around.env, ...env } });
}

async function credentials(
  keys: Keys,
  file?: unknown,
  env?: Record<string, string>,
): Promise<GoogleCredentials> {
  const found = (await load(keys, file, env)).servers.get("main")!.credentials;
  assert(found.kind === "google");
  return found;
}

async function problems(keys: Keys, file?: unknown): Promise<string[]> {
  const server = {
    Url: "https://healthcare.googleapis.com/v1/dicomWeb",
    ProviderType: "google",
    ...(file !== undefined && { CredentialsFile: FILE }),
    ...keys,
  };
  const section = { Servers: { main: server } };
  const found = await problemsOf({ DicomWebOAuth: section }, surroundings(file ?? ""));
  return found.map(({ code, path, message }) =>
    `${code} ${path.replace("DicomWebOAuth.Servers.main.", "")}: ${message}`
  );
}

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
    assert.deepEqual(credentialsReach(found).urls, ["https://oauth2.googleapis.com/token"]);
  });
}

Deno.test("No secret of a file of Google's shows when the configuration is printed", async () => {
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

Deno.test("Client credentials of ProviderType google, as the plugin had them, still load", async () => {
  const keys = { TokenEndpoint: "https://idp.example/token", ClientId: "c", ClientSecret: "s" };
  const found = (await load(keys)).servers.get("main")!.credentials;
  assert(found.kind === "client_credentials");
  assert.equal(found.tokenEndpoint, "https://idp.example/token");
});

Deno.test("The metadata server is reached without the proxy, at the place that Google's variable names", async () => {
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
  assert.deepEqual(credentialsReach(found).urls, []);
  assert.equal(permissionSet(config).read, false);
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

Deno.test("A user's file brings the project that is billed, and a key overrides it", async () => {
  assert.equal((await credentials({}, USER)).quotaProject, "billing");
  assert.equal((await credentials({ QuotaProject: "other" }, USER)).quotaProject, "other");
});

Deno.test("A federated identity reaches the exchange and its own source, and a worker may read one file", async () => {
  const fromFile = await load({}, { ...FEDERATION, credential_source: { file: "tokens/k8s" } });
  assert.deepEqual(networkAllowlist(fromFile), [
    "healthcare.googleapis.com:443",
    "sts.googleapis.com:443",
  ]);
  assert.deepEqual(permissionSet(fromFile).read, ["/srv/gateway/tokens/k8s"]);

  const source = (url: string) =>
    credentials({}, {
      ...FEDERATION,
      credential_source: {
        url,
        headers: { Metadata: "true" },
        format: { type: "json", subject_token_field_name: "access_token" },
      },
    });
  const remote = credentialsReach(await source("https://idp.example/token?a=b"));
  assert.deepEqual(remote.urls, [FEDERATION.token_url, "https://idp.example/token?a=b"]);
  for (
    const url of ["http://169.254.169.254/metadata", "http://127.0.0.1:1/", "http://localhost/"]
  ) {
    assert.deepEqual(credentialsReach(await source(url)).localUrls, [url]);
  }
});

Deno.test("Impersonation comes from the file or from a key, always at Google's own API", async () => {
  const url = `${IAM}/${ACCOUNT}:generateAccessToken`;
  const encoded = `${IAM}/${encodeURIComponent(ACCOUNT)}:generateAccessToken`;
  const federated = await credentials({}, {
    ...FEDERATION,
    service_account_impersonation_url: url,
    service_account_impersonation: { token_lifetime_seconds: 7200 },
  });
  assert.deepEqual(federated.impersonation, { url: encoded, delegates: [], lifetimeSeconds: 7200 });
  assert.deepEqual(credentialsReach(federated).urls, [encoded, FEDERATION.token_url]);

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

Deno.test("TokenEndpoint stands in for the one that a file names", async () => {
  const keys = { TokenEndpoint: "http://127.0.0.1:1/token" };
  for (const file of [KEY, USER, FEDERATION]) {
    const { grant } = await credentials(keys, { ...file, token_uri: "https://evil.example/" });
    assert(grant.type !== "metadata");
    assert.equal(grant.tokenEndpoint, "http://127.0.0.1:1/token");
  }
});

const foreign = [
  "https://oauth2.googleapis.com.evil.example/token",
  "https://evil.example/oauth2.googleapis.com/token",
  "https://oauth2.googleapis.com@evil.example/token",
  "https://oauth2.googleapis.com:8443/token",
  "http://oauth2.googleapis.com/token",
  "https://storage.googleapis.com/token",
  "no URL",
];
for (const uri of foreign) {
  Deno.test(`Nothing is sent to a token_uri of ${uri}`, async () => {
    for (
      const [file, member] of [[KEY, "token_uri"], [USER, "token_uri"], [FEDERATION, "token_url"]]
    ) {
      const [found, ...more] = await problems({}, { ...file as Keys, [member as string]: uri });
      assert.deepEqual(more, []);
      const start = `CFG-002 CredentialsFile: has a "${member}" that is none of Google's`;
      assert(found?.startsWith(start), found);
      assert(!found?.includes("evil"), "a value of the file is told");
    }
  });
}

Deno.test("Hosts of Google's own are taken in token_uri", async () => {
  for (const uri of ["https://accounts.google.com/o/oauth2/token", KEY.token_uri]) {
    const { grant } = await credentials({}, { ...KEY, token_uri: uri });
    assert(grant.type === "service_account");
    assert.equal(grant.tokenEndpoint, uri);
  }
  const endpoint = "https://sts-clinic.p.googleapis.com/v1/token";
  const { grant } = await credentials({}, { ...FEDERATION, token_url: endpoint });
  assert(grant.type === "external_account");
  assert.equal(grant.tokenEndpoint, endpoint);
});

const ec = generateKeyPairSync("ec", {
  namedCurve: "P-256",
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const SOURCES = 'Google needs CredentialsFile, ServiceAccountKey or "CredentialSource": "metadata"';
const TYPES = 'must be a JSON object of Google\'s whose "type" is "service_account"';
const wrong: readonly (readonly [keys: Keys, file: unknown, problem: string])[] = [
  [{}, undefined, `CFG-001 CredentialsFile: ${SOURCES}`],
  [{ TokenEndpoint: "https://a.example/" }, undefined, `CFG-001 CredentialsFile: ${SOURCES}`],
  [
    { ClientId: "c", TokenEndpoint: "https://a.example/" },
    undefined,
    "CFG-001 ClientSecret: OAuth2 needs ClientSecret",
  ],
  [
    { CredentialsFile: "/nowhere" },
    undefined,
    "CFG-002 CredentialsFile: the file /nowhere cannot be read",
  ],
  [
    { CredentialSource: "metadata" },
    KEY,
    "CFG-002 CredentialSource: must not stand beside CredentialsFile; remove one",
  ],
  [{ CredentialSource: "imds" }, undefined, 'CFG-002 CredentialSource: must be one of "metadata"'],
  [{ ServiceAccountKey: 7 }, undefined, "CFG-002 ServiceAccountKey: must be the key in JSON"],
  [{ ServiceAccountKey: "{" }, undefined, "CFG-002 ServiceAccountKey: is not JSON"],
  [
    { ServiceAccountKey: USER },
    undefined,
    'CFG-002 ServiceAccountKey: must be a service account\'s key ("type": "service_account")',
  ],
  [
    { ServiceAccount: ACCOUNT },
    KEY,
    'CFG-002 ServiceAccount: has no meaning without "CredentialSource": "metadata"; remove it',
  ],
  [
    { CredentialSource: "metadata", TokenEndpoint: "https://a.example/" },
    undefined,
    'CFG-002 TokenEndpoint: has no meaning with "CredentialSource": "metadata"; remove it',
  ],
  [
    { ImpersonateServiceAccount: "gateway" },
    KEY,
    "CFG-002 ImpersonateServiceAccount: must be the email address of a service account",
  ],
  [{}, "[]", "CFG-002 CredentialsFile: must be a JSON object of Google's"],
  [{}, { web: {} }, `CFG-002 CredentialsFile: ${TYPES}`],
  [{}, { ...KEY, type: "gdch_service_account" }, `CFG-002 CredentialsFile: ${TYPES}`],
  [
    {},
    { ...KEY, client_email: undefined },
    'CFG-002 CredentialsFile: lacks "client_email", or it is of the wrong kind',
  ],
  [
    {},
    { ...KEY, private_key: "s3cret" },
    'CFG-002 CredentialsFile: has a "private_key" that must be a private key',
  ],
  [
    {},
    { ...KEY, private_key: PRIVATE_KEY.replace("MII", "AAA") },
    'CFG-002 CredentialsFile: has a "private_key" that holds a PEM private key that is damaged',
  ],
  [
    {},
    { ...KEY, private_key: ec.privateKey },
    'CFG-002 CredentialsFile: has a "private_key" that is no RSA key',
  ],
  [
    {},
    { ...KEY, universe_domain: "clinic.example" },
    'CFG-002 CredentialsFile: has a "universe_domain" that names a universe other than googleapis.com',
  ],
  [
    {},
    { ...FEDERATION, credential_source: { executable: { command: "/bin/sh" } } },
    'CFG-002 CredentialsFile: has a "credential_source" of a program, which the gateway may not run',
  ],
  [
    {},
    { ...FEDERATION, credential_source: {} },
    'CFG-002 CredentialsFile: has a "credential_source" neither of a file nor of a URL',
  ],
  [
    {},
    { ...FEDERATION, credential_source: { file: "/a", format: { type: "json" } } },
    'CFG-002 CredentialsFile: lacks "credential_source.format.subject_token_field_name"',
  ],
  [
    {},
    { ...FEDERATION, credential_source: { url: "file:///etc/passwd" } },
    'CFG-002 CredentialsFile: has a "credential_source.url" that must be a URL that starts with https://',
  ],
  [
    {},
    { ...FEDERATION, credential_source: { url: "https://a.example/", headers: { "a b": "c" } } },
    'CFG-002 CredentialsFile: has "credential_source.headers" that are no HTTP headers',
  ],
  [
    {},
    { ...FEDERATION, client_id: "c" },
    'CFG-002 CredentialsFile: must have both of "client_id" and "client_secret", or none',
  ],
  [
    {},
    {
      ...FEDERATION,
      service_account_impersonation_url:
        `https://evil.example/v1/projects/-/serviceAccounts/a@b:generateAccessToken`,
    },
    'CFG-002 CredentialsFile: has a "service_account_impersonation_url" that is none of Google\'s',
  ],
  [
    {},
    { ...FEDERATION, service_account_impersonation_url: `${IAM}/a@b:signBlob` },
    'CFG-002 CredentialsFile: has a "service_account_impersonation_url" that is none of Google\'s',
  ],
];
for (const [keys, file, problem] of wrong) {
  Deno.test(`Google is refused: ${problem}`, async () => {
    const found = await problems(keys, file);
    assert(found.some((each) => each.startsWith(problem)), found.join("\n"));
    assert.equal(found.length, 1, found.join("\n"));
    assert(!found.join().includes("s3cret"));
  });
}

Deno.test("A subject token that travels unencrypted is warned of", async () => {
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
