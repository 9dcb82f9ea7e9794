import assert from "node:assert/strict";
import type { AwsCredentials } from "../../src/config/schemes/aws/aws.ts";
import { networkAllowlist } from "../../src/config/sandbox/contacts.ts";
import { permissionSet } from "../../src/config/sandbox/permission_set.ts";
import { Secret } from "../../src/config/values/secret.ts";
import { assertProblem, parseSection, reachOf, serverProblems } from "./memory_files.ts";

type Keys = Readonly<Record<string, unknown>>;
type Environment = Readonly<Record<string, string>>;

const HEALTH_IMAGING = "https://dicom-medical-imaging.eu-west-1.amazonaws.com/datastore/0123";
const ROLE = "arn:aws:iam::123456789012:role/Gateway";
const KEYS = { AccessKeyId: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret" };

const server = (keys: Keys) => ({ ProviderType: "aws", Url: HEALTH_IMAGING, ...keys });

async function read(keys: Keys, env: Environment = {}) {
  const config = await parseSection({ Servers: { main: server(keys) } }, { env });
  const credentials = config.servers.get("main")!.credentials;
  assert(credentials.kind === "aws");
  return { config, credentials: credentials as AwsCredentials };
}

Deno.test("AWS needs only Url on an instance with a role, for HealthImaging", async () => {
  const { credentials, config } = await read({});
  assert.deepEqual(credentials, {
    kind: "aws",
    region: "eu-west-1",
    service: "medical-imaging",
    keys: { from: "instance_metadata", endpoint: "http://169.254.169.254" },
    role: undefined,
    sts: { url: "https://sts.eu-west-1.amazonaws.com/", region: "eu-west-1" },
    payloadSigning: "sha256",
    refreshBufferMs: 300_000,
  });
  assert.deepEqual(networkAllowlist(config), [
    "169.254.169.254:80",
    "dicom-medical-imaging.eu-west-1.amazonaws.com:443",
  ]);
});

const SECRET = { wrapped: "secret" };
const pod = { AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/token" };
const task = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/credentials/1?x=y" };
const eks = {
  AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://169.254.170.23/v1/credentials",
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/eks/token",
};
const environment = { AWS_ACCESS_KEY_ID: "ASIAENVIRONMENT00000", AWS_SECRET_ACCESS_KEY: "other" };
const fromPod = {
  from: "web_identity",
  roleArn: ROLE,
  sessionName: "dicomweb-gateway",
  tokenFile: "/var/run/token",
};
const fromEks = {
  from: "container",
  url: "http://169.254.170.23/v1/credentials",
  authorization: { file: "/var/run/eks/token" },
};

/** The source of keys, by configuration and environment. */
const sources: readonly (readonly [name: string, keys: Keys, env: Environment, found: unknown])[] =
  [
    [
      "keys of the configuration",
      { ...KEYS, SessionToken: "token" },
      { ...environment, ...pod, ...task },
      {
        from: "configuration",
        accessKeyId: KEYS.AccessKeyId,
        secretAccessKey: SECRET,
        sessionToken: { wrapped: "token" },
      },
    ],
    [
      "variables before a web identity",
      {},
      { ...environment, ...pod, ...task },
      {
        from: "configuration",
        accessKeyId: environment.AWS_ACCESS_KEY_ID,
        secretAccessKey: { wrapped: "other" },
        sessionToken: undefined,
      },
    ],
    [
      "a session token beside the variables",
      { CredentialSource: "environment" },
      { ...environment, AWS_SESSION_TOKEN: "t" },
      {
        from: "configuration",
        accessKeyId: environment.AWS_ACCESS_KEY_ID,
        secretAccessKey: { wrapped: "other" },
        sessionToken: { wrapped: "t" },
      },
    ],
    ["a web identity before a container", {}, { ...pod, ...task }, fromPod],
    [
      "a web identity of the configuration",
      { WebIdentityRoleArn: ROLE, WebIdentityTokenFile: "token", RoleSessionName: "mine" },
      environment,
      { ...fromPod, sessionName: "mine", tokenFile: "/srv/gateway/token" },
    ],
    [
      "the session's name of the environment",
      {},
      { ...pod, AWS_ROLE_SESSION_NAME: "theirs" },
      { ...fromPod, sessionName: "theirs" },
    ],
    [
      "an ECS task",
      {},
      task,
      {
        from: "container",
        url: "http://169.254.170.2/v2/credentials/1?x=y",
        authorization: undefined,
      },
    ],
    ["EKS Pod Identity", {}, eks, fromEks],
    [
      "a token in place of its file",
      {},
      {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: "https://keys.example/",
        AWS_CONTAINER_AUTHORIZATION_TOKEN: "Basic x",
      },
      {
        from: "container",
        url: "https://keys.example/",
        authorization: { value: { wrapped: "Basic x" } },
      },
    ],
    [
      "a source that is named, before what auto would find",
      { CredentialSource: "container" },
      { ...environment, ...pod, ...eks },
      fromEks,
    ],
    [
      "the instance, at its IPv6 address",
      {},
      { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE: "IPv6" },
      { from: "instance_metadata", endpoint: "http://[fd00:ec2::254]" },
    ],
    [
      "the instance, where the environment says",
      {},
      { AWS_EC2_METADATA_SERVICE_ENDPOINT: "http://127.0.0.1:1338/" },
      { from: "instance_metadata", endpoint: "http://127.0.0.1:1338" },
    ],
    [
      "the instance, where the configuration says",
      { InstanceMetadataEndpoint: "http://127.0.0.1:1339" },
      { AWS_EC2_METADATA_DISABLED: "true" },
      { from: "instance_metadata", endpoint: "http://127.0.0.1:1339" },
    ],
  ];
for (const [name, keys, env, found] of sources) {
  Deno.test(`AWS takes keys from: ${name}`, async () => {
    const { credentials } = await read(keys, env);
    assert.deepEqual(unwrapped(credentials.keys), found);
  });
}

/** Reveals secrets to compare them. */
function unwrapped(value: unknown): unknown {
  if (value instanceof Secret) return { wrapped: value.reveal() };
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, unwrapped(one)]));
}

Deno.test("AWS: a role can be assumed with keys of any source", async () => {
  const { credentials } = await read({
    ...KEYS,
    RoleArn: ROLE,
    ExternalId: "clinic",
    RoleDurationSeconds: "900",
    StsEndpoint: "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com",
    PayloadSigning: "unsigned",
    TokenRefreshBufferSeconds: 60,
    Service: "execute-api",
  });
  assert.equal(credentials.role?.externalId?.reveal(), "clinic");
  assert.deepEqual({ ...credentials.role, externalId: undefined }, {
    arn: ROLE,
    externalId: undefined,
    sessionName: "dicomweb-gateway",
    durationSeconds: 900,
  });
  const { service, payloadSigning, refreshBufferMs, sts } = credentials;
  assert.deepEqual({ service, payloadSigning, refreshBufferMs, sts }, {
    service: "execute-api",
    payloadSigning: "unsigned",
    refreshBufferMs: 60_000,
    sts: { url: "https://vpce-1.sts.eu-west-1.vpce.amazonaws.com/", region: "eu-west-1" },
  });
});

const OTHER = "https://gateway.example/dicom";
const regions: readonly (readonly [name: string, keys: Keys, env: Environment, region: string])[] =
  [
    [
      "the key",
      { Url: OTHER, Region: "us-gov-west-1" },
      { AWS_REGION: "eu-west-1" },
      "us-gov-west-1",
    ],
    ["the host", {}, { AWS_REGION: "us-east-1" }, "eu-west-1"],
    [
      "AWS_REGION",
      { Url: OTHER },
      { AWS_REGION: "us-east-2", AWS_DEFAULT_REGION: "x" },
      "us-east-2",
    ],
    [
      "AWS_DEFAULT_REGION",
      { Url: OTHER },
      { AWS_DEFAULT_REGION: "ap-southeast-2" },
      "ap-southeast-2",
    ],
  ];
for (const [name, keys, env, region] of regions) {
  Deno.test(`AWS takes the region from ${name}`, async () => {
    assert.equal((await read({ ...KEYS, ...keys }, env)).credentials.region, region);
  });
}

Deno.test("AWS: the Security Token Service is that of the region, also in China, and the oldest one's region is known", async () => {
  const sts = async (keys: Keys) => (await read({ ...KEYS, Url: OTHER, ...keys })).credentials.sts;
  assert.deepEqual(await sts({ Region: "cn-north-1" }), {
    url: "https://sts.cn-north-1.amazonaws.com.cn/",
    region: "cn-north-1",
  });
  assert.deepEqual(await sts({ Region: "eu-west-1", StsEndpoint: "https://sts.amazonaws.com" }), {
    url: "https://sts.amazonaws.com/",
    region: "us-east-1",
  });
  assert.deepEqual(await sts({ Region: "eu-west-1", StsEndpoint: "https://sts.example" }), {
    url: "https://sts.example/",
    region: "eu-west-1",
  });
});

const rules: readonly (readonly [keys: Keys, env: Environment, problem: string])[] = [
  [{ Url: OTHER, ...KEYS }, {}, "CFG-001 Region: AWS needs Region"],
  [
    { Url: "https://x.eu-west-1.amazonaws.com.evil.example", ...KEYS },
    {},
    "CFG-001 Region: AWS needs Region",
  ],
  [{ Region: "Europe" }, {}, "CFG-002 Region: must be a region of AWS, as in eu-west-1"],
  [
    { Url: OTHER },
    { AWS_REGION: "nowhere" },
    "CFG-002 Region: the environment variable AWS_REGION is not an AWS region",
  ],
  [
    { Region: "us-east-1" },
    {},
    "CFG-002 Region: must be eu-west-1, the region of the host of Url, or be left out",
  ],
  [{ SecretAccessKey: "s" }, {}, "CFG-001 AccessKeyId: AWS needs AccessKeyId"],
  [
    { AccessKeyId: KEYS.AccessKeyId },
    {},
    "CFG-001 SecretAccessKey: AWS needs SecretAccessKey",
  ],
  [
    { CredentialSource: "configuration" },
    {},
    "CFG-001 AccessKeyId: AWS needs AccessKeyId",
  ],
  [
    { ...KEYS, AccessKeyId: "short" },
    {},
    "CFG-002 AccessKeyId: must be 16 to 128 letters, digits and _",
  ],
  [
    { CredentialSource: "environment" },
    { AWS_ACCESS_KEY_ID: "x" },
    'CFG-003 CredentialSource: "environment" needs the environment variable AWS_SECRET_ACCESS_KEY, ' +
    "which is not set",
  ],
  [
    { CredentialSource: "web_identity" },
    {},
    'CFG-003 CredentialSource: "web_identity" needs the environment variable AWS_ROLE_ARN, which is ' +
    "not set (nor is WebIdentityRoleArn)",
  ],
  [
    { WebIdentityRoleArn: ROLE },
    {},
    'CFG-003 CredentialSource: "web_identity" needs the environment variable ' +
    "AWS_WEB_IDENTITY_TOKEN_FILE, which is not set (nor is WebIdentityTokenFile)",
  ],
  [
    { CredentialSource: "container" },
    {},
    'CFG-003 CredentialSource: "container" needs the environment variable ' +
    "AWS_CONTAINER_CREDENTIALS_FULL_URI, which is not set",
  ],
  [
    { ...KEYS, CredentialSource: "instance_metadata" },
    {},
    'CFG-002 AccessKeyId: belongs to CredentialSource "configuration", but "instance_metadata" is ' +
    "configured; remove it",
  ],
  [
    { ...KEYS, WebIdentityTokenFile: "x" },
    {},
    'CFG-002 WebIdentityTokenFile: belongs to CredentialSource "web_identity", but "configuration" ' +
    "is configured; remove it",
  ],
  [
    { CredentialSource: "ec2" },
    {},
    'CFG-002 CredentialSource: must be one of "auto", "configuration", "environment", ' +
    '"web_identity", "container", "instance_metadata"',
  ],
  [
    {},
    { AWS_EC2_METADATA_DISABLED: "true" },
    "CFG-001 AccessKeyId: AWS needs credentials: there are none in the configuration and the " +
    "environment, and AWS_EC2_METADATA_DISABLED prevents the gateway from requesting them from the instance",
  ],
  [
    {},
    { AWS_EC2_METADATA_SERVICE_ENDPOINT: "169.254.169.254" },
    "CFG-002 CredentialSource: the environment variable AWS_EC2_METADATA_SERVICE_ENDPOINT is not a usable URL",
  ],
  // Variables must not cause tokens to be sent unencrypted or to other hosts.
  [
    {},
    { AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://keys.example/" },
    "CFG-002 CredentialSource: the environment variable AWS_CONTAINER_CREDENTIALS_FULL_URI names a " +
    "host that is neither this machine nor one of ECS or EKS; it needs https://",
  ],
  [
    {},
    { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "@evil.example/" },
    "CFG-002 CredentialSource: the environment variable AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a usable URL",
  ],
  [
    {},
    { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: ".evil.example/" },
    "CFG-002 CredentialSource: the environment variable AWS_CONTAINER_CREDENTIALS_RELATIVE_URI names " +
    "a host that is neither this machine nor one of ECS or EKS; it needs https://",
  ],
  [
    { RoleArn: "Gateway" },
    {},
    "CFG-002 RoleArn: must be the ARN of a role, as in arn:aws:iam::123456789012:role/Gateway",
  ],
  [
    { RoleArn: ROLE, ExternalId: "a b" },
    {},
    "CFG-002 ExternalId: must be 2 to 1224 letters, digits and characters of _+=,.@:/-",
  ],
  [
    { ExternalId: "xy" },
    {},
    "CFG-001 RoleArn: is missing: ExternalId is for assuming a role",
  ],
  [
    { RoleArn: ROLE, RoleSessionName: "a b" },
    {},
    "CFG-002 RoleSessionName: must be 2 to 64 letters, digits and characters of _+=,.@-",
  ],
  [
    { RoleArn: ROLE, RoleDurationSeconds: 60 },
    {},
    "CFG-002 RoleDurationSeconds: must be at least 900",
  ],
  [
    { PayloadSigning: "none" },
    {},
    'CFG-002 PayloadSigning: must be one of "sha256", "unsigned", "streaming"',
  ],
  [
    { Url: "http://store.example", Region: "eu-west-1", PayloadSigning: "unsigned" },
    {},
    'CFG-002 PayloadSigning: "unsigned" needs an https:// Url: otherwise nothing protects the body ' +
    "on its way",
  ],
  [
    { TenantId: "x" },
    {},
    "CFG-002 TenantId: belongs to ProviderType",
  ],
];
for (const [keys, env, problem] of rules) {
  Deno.test(`AWS: ${problem.slice(0, 90)} (${Object.keys({ ...keys, ...env })})`, async () => {
    assertProblem(await serverProblems(server(keys), { env }), problem);
  });
}

Deno.test("AWS: a worker reaches what its source of keys needs, and the state directory only to buffer bodies", async () => {
  const reach = async (keys: Keys, env: Environment = {}) =>
    reachOf((await read(keys, env)).config);
  const sts = "https://sts.eu-west-1.amazonaws.com/";
  const nothing = { urls: [], localUrls: [], files: [], state: true };
  assert.deepEqual(await reach(KEYS), nothing);
  assert.deepEqual(await reach({ ...KEYS, PayloadSigning: "unsigned" }), {
    ...nothing,
    state: false,
  });
  assert.deepEqual(await reach({ ...KEYS, PayloadSigning: "streaming" }), nothing);
  assert.deepEqual(await reach({ ...KEYS, RoleArn: ROLE }), { ...nothing, urls: [sts] });
  assert.deepEqual(await reach({}, pod), { ...nothing, urls: [sts], files: ["/var/run/token"] });
  assert.deepEqual(await reach({}, eks), {
    ...nothing,
    localUrls: ["http://169.254.170.23/v1/credentials"],
    files: ["/var/run/eks/token"],
  });

  const { config } = await read({ StsEndpoint: "https://sts.example" }, pod);
  const { read: readable, write, net } = permissionSet(config);
  assert.deepEqual(readable, ["/var/run/token", config.stateDirectory].sort());
  assert.deepEqual(write, [config.stateDirectory]);
  assert(net.includes("sts.example:443"));
});
