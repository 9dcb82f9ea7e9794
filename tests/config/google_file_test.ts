/**
 * The rules of Google's credentials files and the keys beside them.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { ACCOUNT, PRIVATE_KEY } from "../credentials/google/google_keys.ts";
import { credentials, FEDERATION, IAM, KEY, type Keys, problems, USER } from "./google_harness.ts";
import { assertProblem } from "./memory_files.ts";

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

Deno.test("Google's own hosts are accepted in token_uri", async () => {
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
    "CFG-002 CredentialSource: conflicts with CredentialsFile; remove one",
  ],
  [{ CredentialSource: "imds" }, undefined, 'CFG-002 CredentialSource: must be one of "metadata"'],
  [{ ServiceAccountKey: 7 }, undefined, "CFG-002 ServiceAccountKey: must be the key in JSON"],
  [{ ServiceAccountKey: "{" }, undefined, "CFG-002 ServiceAccountKey: is not JSON"],
  [
    { ServiceAccountKey: `'${JSON.stringify(KEY)}'` },
    undefined,
    "CFG-002 ServiceAccountKey: is in quotes: remove those around the JSON",
  ],
  [
    { ServiceAccountKey: JSON.stringify(JSON.stringify(KEY)) },
    undefined,
    "CFG-002 ServiceAccountKey: is in quotes: remove those around the JSON",
  ],
  [
    { ServiceAccountKey: btoa(JSON.stringify(KEY, null, 2)) },
    undefined,
    "CFG-002 ServiceAccountKey: is JSON in base64: decode it first, as `base64 -d` does",
  ],
  [
    { ServiceAccountKey: JSON.stringify(KEY).replaceAll('"', '\\"') },
    undefined,
    "CFG-002 ServiceAccountKey: has a backslash before each quote: remove them",
  ],
  [
    { ServiceAccountKey: JSON.stringify(KEY).replaceAll("\\n", "\n") },
    undefined,
    "CFG-002 ServiceAccountKey: contains a line break within a string: write it as \\n",
  ],
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
    'CFG-002 CredentialsFile: has a "private_key" that contains a PEM private key that is damaged',
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
    { ...FEDERATION, credential_source: { environment_id: "aws2" } },
    'CFG-002 CredentialsFile: has a "credential_source.environment_id" other than "aws1"',
  ],
  [
    {},
    { ...FEDERATION, credential_source: { environment_id: "aws1" } },
    "CFG-002 CredentialsFile: names AWS: set Region, or AWS_REGION in the environment",
  ],
  [
    { Region: "eu-west-1" },
    {
      ...FEDERATION,
      credential_source: {
        environment_id: "aws1",
        regional_cred_verification_url:
          "https://sts.{region}.amazonaws.com.evil.example?Action=GetCallerIdentity",
      },
    },
    'CFG-002 CredentialsFile: has a "credential_source.regional_cred_verification_url" that is none of',
  ],
  [{ Region: "Ireland" }, KEY, "CFG-002 Region: must be a region of AWS, as in eu-west-1"],
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
    assertProblem(found, problem);
    assert(!found.join().includes("s3cret"));
  });
}
