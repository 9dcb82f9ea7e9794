/**
 * What AWS refuses, and what to do about it: the Security Token Service and the stores by error code,
 * without the `Exception` that some end in; the metadata services by status.
 *
 * @module
 */
import type { ErrorCode } from "../../errors/catalogue.ts";
import type { Advice } from "../advice.ts";

const NEW_KEYS =
  "AWS: check AccessKeyId and SecretAccessKey; the key may have been deactivated or deleted (IAM > " +
  "Users > Security credentials)";

const CLOCK = "AWS: correct the clock of the gateway's machine; more than five minutes are refused";

function row(error: string, code: ErrorCode | undefined, ...steps: string[]): Advice {
  return { provider: "aws", error, ...(code && { code }), steps };
}

/**
 * Source: STS API Reference (AssumeRole, AssumeRoleWithWebIdentity, Common Errors) and IAM User Guide,
 * "Troubleshoot Signature Version 4 requests".
 */
export const awsAdvice: readonly Advice[] = [
  row("InvalidClientTokenId", "AUTH-001", NEW_KEYS),
  row("UnrecognizedClient", "AUTH-001", NEW_KEYS),
  ...["SignatureDoesNotMatch", "InvalidSignature"].flatMap((error) => [
    {
      ...row(error, "AUTH-001", CLOCK),
      text: /signature (?:expired|not yet current)/i,
    },
    row(
      error,
      "AUTH-001",
      "AWS: check SecretAccessKey: it is not the one that belongs to AccessKeyId",
      "AWS: check that Region and Service are those of the store",
    ),
  ]),
  row("RequestTimeTooSkewed", "AUTH-001", CLOCK),
  row("RequestExpired", "AUTH-001", CLOCK),
  {
    ...row(
      "ExpiredToken",
      "AUTH-001",
      "AWS: the token of the web identity has expired; check that whatever writes " +
        "WebIdentityTokenFile (or AWS_WEB_IDENTITY_TOKEN_FILE) still renews it",
    ),
    text: /web identity|\btoken expired\b/i,
  },
  row(
    "ExpiredToken",
    "AUTH-001",
    "AWS: the keys are temporary and have expired; configure keys that last, or a CredentialSource " +
      "that renews them",
  ),
  row(
    "InvalidIdentityToken",
    "AUTH-001",
    "AWS: check that an IAM OIDC identity provider is registered for the token's issuer, and that its " +
      "audience list contains the token's aud (sts.amazonaws.com on EKS)",
    "AWS: check that the issuer's /.well-known/openid-configuration and its keys can be reached from " +
      "the internet within five seconds",
  ),
  row(
    "IDPRejectedClaim",
    "AUTH-001",
    "AWS: the identity provider rejected the token; check that it is neither expired nor revoked",
  ),
  row(
    "IDPCommunicationError",
    "AUTH-003",
    "AWS: the identity provider of the web identity did not answer AWS; the request is retried",
  ),
  {
    ...row(
      "AccessDenied",
      "AUTH-002",
      "AWS: let the role's trust policy allow sts:AssumeRoleWithWebIdentity for the token's issuer, " +
        "with conditions that its sub and aud meet",
    ),
    text: /AssumeRoleWithWebIdentity/,
  },
  {
    ...row(
      "AccessDenied",
      "AUTH-002",
      "AWS: let the role's trust policy allow the principal that assumes it, and check ExternalId if the policy requires one",
      "AWS: grant sts:AssumeRole for the role to the principal that assumes it",
    ),
    text: /sts:AssumeRole/,
  },
  row(
    "AccessDenied",
    "AUTH-002",
    "AWS: let the policy of the key's owner allow the medical-imaging actions on the data store",
  ),
  row(
    "RegionDisabled",
    "AUTH-002",
    "AWS: activate the Security Token Service in this region (IAM > Account settings), or set " +
      "StsEndpoint to that of another",
  ),
  row(
    "OptInRequired",
    "AUTH-002",
    "AWS: the account is not enabled for this service or region; enable it in the account's settings",
  ),
  {
    ...row(
      "ValidationError",
      undefined,
      "AWS: lower RoleDurationSeconds: it is more than the role's maximum session duration, or more " +
        "than the hour that AWS allows where a role assumes another",
    ),
    text: /DurationSeconds/i,
  },
  row(
    "ValidationError",
    undefined,
    "AWS: check RoleArn, WebIdentityRoleArn, ExternalId and RoleSessionName",
  ),
  row(
    "MalformedQueryString",
    undefined,
    "AWS: check StsEndpoint: no Security Token Service answers",
  ),
  row("IncompleteSignature", "AUTH-001", "AWS: check AccessKeyId and Region for stray characters"),
  row("MissingAuthenticationToken", "AUTH-001", "AWS: check that Url is that of the data store"),
];

/**
 * What to do if the instance metadata service refuses (AUTH-001), by status.
 * Source: EC2 User Guide, "Use the Instance Metadata Service" and "Retrieve security credentials".
 */
export const instanceMetadataAdvice: Readonly<Record<number, readonly string[]>> = {
  403: [
    "EC2: turn the instance's metadata service on (modify-instance-metadata-options --http-endpoint " +
    "enabled)",
  ],
  404: ["EC2: attach an IAM role to the instance (Actions > Security > Modify IAM role)"],
};

/** What to do if the instance metadata service does not answer at all. */
export const instanceMetadataSilence: readonly string[] = [
  "AWS: if the gateway does not run on EC2, say where keys come from: AccessKeyId and " +
  "SecretAccessKey, environment variables, or another CredentialSource",
  "EC2: for a container, raise the hop limit of the instance's metadata service " +
  "(modify-instance-metadata-options --http-put-response-hop-limit 2)",
];

/**
 * What to do if the endpoint of a container refuses (AUTH-001), by status.
 * Source: EKS User Guide, "EKS Pod Identity"; ECS Developer Guide, "Task IAM role".
 */
export const containerAdvice: Readonly<Record<number, readonly string[]>> = {
  400: [
    "EKS: check that a Pod Identity association exists for the pod's namespace and service account, " +
    "and start the pod anew after making one",
    "ECS: check that the task definition has a task role",
  ],
  401: [
    "EKS: check that the token file of the pod is still renewed (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE)",
  ],
  403: [
    "EKS: let the role's trust policy allow sts:AssumeRole and sts:TagSession for " +
    "pods.eks.amazonaws.com",
  ],
  404: [
    "ECS: check that the task definition has a task role; the variable for its keys leads nowhere",
  ],
};
