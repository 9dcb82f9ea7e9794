/**
 * `ProviderType: "aws"`: requests signed with access keys (Signature Version 4), by default for AWS
 * HealthImaging.
 */
import { z } from "zod";
import { isPlaintext } from "../../values/host_names.ts";
import type { Complain } from "../../values/keys_of.ts";
import type { Secret } from "../../values/secret.ts";
import { sources } from "../../values/sources.ts";
import { filePath, httpUrl, secret, whole } from "../../values/value_schemas.ts";
import { type Reach, scheme, type StoreKeys } from "../scheme.ts";
import { refreshBufferKey } from "../token_validation.ts";
import { awsRegion, REGION, regionOf, stsEndpointOf } from "./aws_hosts.ts";
import { type AwsKeysConfig, DEFAULT_SESSION_NAME, findKeys, keySources } from "./aws_keys.ts";

/** Credentials of AWS, and how they sign. */
export interface AwsCredentials {
  readonly kind: "aws";
  /** The region of signatures, such as `eu-west-1`. */
  readonly region: string;
  readonly service: string;
  readonly keys: AwsKeysConfig;
  /** The role that the keys assume; `undefined`: they sign themselves. */
  readonly role: AwsRole | undefined;
  /** The Security Token Service for web identities and roles. */
  readonly sts: { readonly url: string; readonly region: string };
  readonly payloadSigning: PayloadSigning;
  readonly refreshBufferMs: number;
}

/** How a signature covers a body: by its hash, not at all, or chunk by chunk. */
export type PayloadSigning = (typeof payloadSignings)[number];

export interface AwsRole {
  readonly arn: string;
  readonly externalId: Secret | undefined;
  readonly sessionName: string;
  readonly durationSeconds: number;
}

const payloadSignings = ["sha256", "unsigned", "streaming"] as const;

const arn = () =>
  z.string().regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/,
    "must be the ARN of a role, as in arn:aws:iam::123456789012:role/Gateway",
  );

const keys = {
  ProviderType: z.literal("aws").describe("Signs requests with AWS access keys"),
  Region: awsRegion.optional().describe(
    "The region. Required unless it follows from the host of `Url` or the environment variable " +
      "AWS_REGION or AWS_DEFAULT_REGION",
  ),
  Service: z.string().regex(/^[a-z0-9-]+$/, "must be the name of a service in signatures")
    .default("medical-imaging").describe("The service that requests are signed for"),
  CredentialSource: z.enum(keySources).default("auto").describe(
    "Where access keys come from: the `configuration`, the `environment`, a `web_identity` (EKS), " +
      "the `container` (ECS, EKS Pod Identity) or the EC2 instance (`instance_metadata`). `auto` " +
      "uses the first that is available, in this order",
  ),
  AccessKeyId: z.string().regex(/^\w{16,128}$/, "must be 16 to 128 letters, digits and _")
    .optional().describe("Access key of the configuration"),
  SecretAccessKey: secret().optional().describe(
    "Its secret; better `${NAME}` or `${file:PATH}` than the secret itself",
  ),
  SessionToken: secret().optional().describe("Its session token, where the keys are temporary"),
  WebIdentityRoleArn: arn().optional().describe(
    "Role of a web identity, unless the environment variable AWS_ROLE_ARN names it",
  ),
  WebIdentityTokenFile: filePath().optional().describe(
    "File with the token of a web identity, reread each time, unless the environment variable " +
      "AWS_WEB_IDENTITY_TOKEN_FILE names it",
  ),
  InstanceMetadataEndpoint: httpUrl().optional().describe(
    "URL of the instance metadata service, if it is not the default",
  ),
  RoleArn: arn().optional().describe("Role to assume with the keys, wherever they come from"),
  ExternalId: secret(
    z.string().regex(
      /^[\w+=,.@:/-]{2,1224}$/,
      "must be 2 to 1224 letters, digits and characters of _+=,.@:/-",
    ),
  ).optional().describe("External ID that the role's trust policy requires"),
  RoleSessionName: z.string().regex(
    /^[\w+=,.@-]{2,64}$/,
    "must be 2 to 64 letters, digits and characters of _+=,.@-",
  ).optional().describe(
    `Name of the session in AWS's logs. \`${DEFAULT_SESSION_NAME}\` by default`,
  ),
  RoleDurationSeconds: whole(900, 43_200).default(3_600).describe(
    "Life of the keys of an assumed role; AWS allows no more than the role's own limit, and no " +
      "more than an hour where a role assumes another",
  ),
  StsEndpoint: httpUrl().optional().describe(
    "URL of the Security Token Service, where it is not that of the region, such as a VPC endpoint",
  ),
  PayloadSigning: z.enum(payloadSignings).default("sha256").describe(
    "How a body is signed: its hash (`sha256`: bodies above 1 MiB are written to a file in the " +
      "state directory, encrypted, before they are sent), nothing (`unsigned`), or chunk after " +
      "chunk (`streaming`). Not verified with HealthImaging: the last two",
  ),
  TokenRefreshBufferSeconds: refreshBufferKey,
};

type Keys = z.output<z.ZodObject<typeof keys>> & StoreKeys;

export const aws = scheme({
  title: "AWS",
  description: "Requests signed with AWS access keys (Signature Version 4).",
  keys,
  rules: [regionRule, keysRule, roleRule, payloadRule],
  credentials(keys): AwsCredentials {
    const region = keys.Region ?? derivedRegion(keys) ?? "";
    const found = findKeys(keys);
    const sts = new URL(keys.StsEndpoint ?? stsEndpointOf(region));
    if ("code" in found) throw new TypeError("Cannot parse credentials that break a rule");
    return {
      kind: "aws",
      region,
      service: keys.Service,
      keys: found,
      role: keys.RoleArn === undefined ? undefined : {
        arn: keys.RoleArn,
        externalId: keys.ExternalId,
        sessionName: keys.RoleSessionName ?? DEFAULT_SESSION_NAME,
        durationSeconds: keys.RoleDurationSeconds,
      },
      sts: { url: sts.href, region: regionOf(sts.hostname) ?? region },
      payloadSigning: keys.PayloadSigning,
      refreshBufferMs: keys.TokenRefreshBufferSeconds,
    };
  },
  reach: awsReach,
});

/** What access keys contact and read, and whether signing uses the state directory. */
export function awsReach(
  { keys, role, sts, payloadSigning }: Pick<
    AwsCredentials,
    "keys" | "role" | "sts" | "payloadSigning"
  >,
): Partial<Reach> {
  const asksSts = role !== undefined || keys.from === "web_identity";
  return {
    urls: asksSts ? [sts.url] : [],
    localUrls: keys.from === "container"
      ? [keys.url]
      : keys.from === "instance_metadata"
      ? [keys.endpoint]
      : [],
    files: keys.from === "web_identity"
      ? [keys.tokenFile]
      : keys.from === "container" && keys.authorization && "file" in keys.authorization
      ? [keys.authorization.file]
      : [],
    // Bodies are buffered there until their hash is signed.
    state: payloadSigning !== "unsigned",
  };
}

function derivedRegion(keys: Pick<Keys, "Url">): string | undefined {
  const { AWS_REGION: region, AWS_DEFAULT_REGION: standard } = sources().environment;
  return regionOfStore(keys) ?? region ?? standard;
}

function regionOfStore({ Url: url }: Pick<Keys, "Url">): string | undefined {
  return regionOf(new URL(url).hostname);
}

function regionRule(keys: Keys, complain: Complain): void {
  const { Region: region } = keys;
  const ofStore = regionOfStore(keys);
  if (region === undefined) {
    const derived = derivedRegion(keys);
    if (derived === undefined) complain("Region", "AWS needs Region");
    else if (!REGION.test(derived)) {
      const state = "the environment variable AWS_REGION is not an AWS region";
      complain("Region", state, "CFG-002");
    }
  } else if (ofStore !== undefined && region !== ofStore) {
    complain("Region", `must be ${ofStore}, the region of the host of Url, or be left out`);
  }
}

function keysRule(keys: Keys, complain: Complain): void {
  const found = findKeys(keys);
  if ("code" in found) complain(found.key, found.message, found.code);
}

function roleRule(keys: Keys, complain: Complain): void {
  if (keys.RoleArn !== undefined || keys.ExternalId === undefined) return;
  complain("RoleArn", "is missing: ExternalId is for assuming a role");
}

function payloadRule({ PayloadSigning: payload, Url: url }: Keys, complain: Complain): void {
  if (payload !== "unsigned" || !isPlaintext(url)) return;
  complain(
    "PayloadSigning",
    '"unsigned" needs an https:// Url: otherwise nothing protects the body on its way',
  );
}
