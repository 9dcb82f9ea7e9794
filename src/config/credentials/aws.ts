/**
 * `ProviderType: "aws"`: requests are signed with access keys (Signature Version 4), for AWS
 * HealthImaging unless another service is named.
 *
 * @module
 */
import { z } from "zod";
import type { AwsCredentials, AwsRole } from "../aws_config.ts";
import { isLoopback } from "../host_names.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { Secret } from "../secret.ts";
import { httpUrl, text, whole } from "../value_schemas.ts";
import { REGION, regionOf, stsEndpointOf } from "./aws_hosts.ts";
import { DEFAULT_SESSION_NAME, findKeys, keySources, keyVariables } from "./aws_keys.ts";
import { type SigningWay, signingWay } from "./signing_way.ts";
import { tokenKeys } from "./token_keys.ts";

const payloadSignings = ["sha256", "unsigned", "streaming"] as const;

const arn = () =>
  z.string().regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/,
    "must be the ARN of a role, as in arn:aws:iam::123456789012:role/Gateway",
  );

/** Signature Version 4 of AWS. */
export const aws: SigningWay = signingWay({
  title: "AWS",
  description: "Requests signed with AWS access keys (Signature Version 4).",
  chosenBy: { ProviderType: ["aws"] },
  environment: ["AWS_REGION", "AWS_DEFAULT_REGION", ...keyVariables],
  keys: {
    ProviderType: z.literal("aws").describe("Signs requests with AWS access keys"),
    Region: z.string().regex(REGION, "must be a region of AWS, as in eu-west-1").optional()
      .describe(
        "The region. Required unless the host of `Url` tells it or the environment variable " +
          "AWS_REGION or AWS_DEFAULT_REGION does",
      ),
    Service: z.string().regex(/^[a-z0-9-]+$/, "must be the name of a service in signatures")
      .default("medical-imaging").describe("The service that requests are signed for"),
    CredentialSource: z.enum(keySources).default("auto").describe(
      "Where access keys come from: the `configuration`, the `environment`, a `web_identity` (EKS), " +
        "the `container` (ECS, EKS Pod Identity) or the EC2 instance (`instance_metadata`). `auto` " +
        "takes the first of them that there is, in this order",
    ),
    AccessKeyId: z.string().regex(/^\w{16,128}$/, "must be 16 to 128 letters, digits and _")
      .optional().describe("Access key of the configuration"),
    SecretAccessKey: text().optional().describe(
      "Its secret; better `${NAME}` or `${file:PATH}` than the secret itself",
    ),
    SessionToken: text().optional().describe("Its session token, where the keys are temporary"),
    WebIdentityRoleArn: arn().optional().describe(
      "Role of a web identity, unless the environment variable AWS_ROLE_ARN names it",
    ),
    WebIdentityTokenFile: text().optional().describe(
      "File with the token of a web identity, read anew each time, unless the environment variable " +
        "AWS_WEB_IDENTITY_TOKEN_FILE names it",
    ),
    InstanceMetadataEndpoint: httpUrl().optional().describe(
      "URL of the instance metadata service, where it is not the usual one",
    ),
    RoleArn: arn().optional().describe("Role to assume with the keys, wherever they come from"),
    ExternalId: z.string().regex(
      /^[\w+=,.@:/-]{2,1224}$/,
      "must be 2 to 1224 letters, digits and characters of _+=,.@:/-",
    ).optional().describe("External ID that the role's trust policy asks for"),
    RoleSessionName: z.string().regex(
      /^[\w+=,.@-]{2,64}$/,
      "must be 2 to 64 letters, digits and characters of _+=,.@-",
    ).optional().describe(
      `Name of the session in AWS's logs. \`${DEFAULT_SESSION_NAME}\` unless given`,
    ),
    RoleDurationSeconds: whole(900, 43_200).default(3_600).describe(
      "Life of the keys of an assumed role; AWS allows no more than the role's own limit, and no " +
        "more than an hour where a role assumes another",
    ),
    StsEndpoint: httpUrl().optional().describe(
      "URL of the Security Token Service, where it is not that of the region, such as a VPC endpoint",
    ),
    PayloadSigning: z.enum(payloadSignings).default("sha256").describe(
      "What of a body is signed: its hash (`sha256`: bodies above 1 MiB are written to a file in the " +
        "state directory, encrypted, before they are sent), nothing (`unsigned`), or chunk after " +
        "chunk (`streaming`). It is not known whether HealthImaging takes the last two",
    ),
    TokenRefreshBufferSeconds: tokenKeys.TokenRefreshBufferSeconds,
  },
  check(raw, context) {
    checkRegion(raw, context);
    checkKeys(raw, context);
    checkPayload(raw, context);
  },
  build(keys, context, raw): AwsCredentials {
    const region = keys.Region ?? derivedRegion(raw, context) ?? "";
    const found = findKeys(raw, context);
    const sts = new URL(keys.StsEndpoint ?? stsEndpointOf(region));
    if ("code" in found) throw new TypeError("Cannot build credentials that were found wrong");
    return {
      kind: "aws",
      region,
      service: keys.Service,
      keys: found,
      role: keys.RoleArn === undefined ? undefined : role(keys.RoleArn, keys),
      sts: { url: sts.href, region: regionOf(sts.hostname) ?? region },
      payloadSigning: keys.PayloadSigning,
      refreshBufferMs: keys.TokenRefreshBufferSeconds * 1_000,
    };
  },
});

function role(
  arn: string,
  keys: {
    readonly ExternalId?: string | undefined;
    readonly RoleSessionName?: string | undefined;
    readonly RoleDurationSeconds: number;
  },
): AwsRole {
  return {
    arn,
    externalId: keys.ExternalId === undefined ? undefined : new Secret(keys.ExternalId),
    sessionName: keys.RoleSessionName ?? DEFAULT_SESSION_NAME,
    durationSeconds: keys.RoleDurationSeconds,
  };
}

function derivedRegion(raw: RawKeys, { environment }: ReadContext): string | undefined {
  return regionOfStore(raw) ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"];
}

function regionOfStore({ Url: url }: RawKeys): string | undefined {
  return typeof url === "string" ? regionOf(URL.parse(url)?.hostname ?? "") : undefined;
}

function checkRegion(raw: RawKeys, context: ReadContext): void {
  const { path, report } = context;
  const at = [...path, "Region"];
  const { Region: region } = raw;
  const ofStore = regionOfStore(raw);
  if (region === undefined) {
    const derived = derivedRegion(raw, context);
    if (derived === undefined) report.add("CFG-001", at, "AWS needs Region");
    else if (!REGION.test(derived)) {
      report.add("CFG-002", at, "the environment variable AWS_REGION names no region of AWS");
    }
  } else if (ofStore !== undefined && typeof region === "string" && region !== ofStore) {
    report.add("CFG-002", at, `must be ${ofStore}, the region of the host of Url, or be left out`);
  }
}

function checkKeys(raw: RawKeys, context: ReadContext): void {
  const { path, report } = context;
  const found = findKeys(raw, context);
  if ("code" in found) report.add(found.code, [...path, found.key], found.message);
  if (raw["RoleArn"] !== undefined) return;
  if (raw["ExternalId"] !== undefined) {
    report.add("CFG-001", [...path, "RoleArn"], "is missing: ExternalId is for assuming a role");
  }
}

function checkPayload({ PayloadSigning: payload, Url: url }: RawKeys, context: ReadContext): void {
  const store = typeof url === "string" ? URL.parse(url) : null;
  if (payload === "unsigned" && store?.protocol === "http:" && !isLoopback(store.hostname)) {
    context.report.add(
      "CFG-002",
      [...context.path, "PayloadSigning"],
      '"unsigned" needs an https:// Url: otherwise nothing protects the body on its way',
    );
  }
}
