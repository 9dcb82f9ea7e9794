/**
 * What AWS refuses, and what to do about it: the Security Token Service and the stores by error code,
 * without the `Exception` that some end in; the metadata services by status.
 */
import { type Advice, rowsOf } from "../advice.ts";

const row = rowsOf("aws", "AWS");

const NEW_KEYS =
  "check AccessKeyId and SecretAccessKey; the key may have been deactivated or deleted (IAM > Users > " +
  "Security credentials)";

const CLOCK = "correct the clock of the gateway's machine; more than five minutes are refused";

/**
 * Source: STS API Reference (AssumeRole, AssumeRoleWithWebIdentity, Common Errors) and IAM User Guide,
 * "Troubleshoot Signature Version 4 requests".
 */
export const awsAdvice: readonly Advice[] = [
  row({ error: "InvalidClientTokenId", code: "AUTH-001" }, NEW_KEYS),
  row({ error: "UnrecognizedClient", code: "AUTH-001" }, NEW_KEYS),
  ...["SignatureDoesNotMatch", "InvalidSignature"].flatMap((error) => [
    row({ error, text: /signature (?:expired|not yet current)/i, code: "AUTH-001" }, CLOCK),
    row(
      { error, code: "AUTH-001" },
      "check SecretAccessKey: it is not the one that belongs to AccessKeyId",
      "check that Region and Service are those of the store",
    ),
  ]),
  row({ error: "RequestTimeTooSkewed", code: "AUTH-001" }, CLOCK),
  row({ error: "RequestExpired", code: "AUTH-001" }, CLOCK),
  row(
    { error: "ExpiredToken", text: /web identity|\btoken expired\b/i, code: "AUTH-001" },
    "the token of the web identity has expired; check that whatever writes WebIdentityTokenFile " +
      "(or AWS_WEB_IDENTITY_TOKEN_FILE) still renews it",
  ),
  row(
    { error: "ExpiredToken", code: "AUTH-001" },
    "the keys are temporary and have expired; configure keys that last, or a CredentialSource " +
      "that renews them",
  ),
  row(
    { error: "InvalidIdentityToken", code: "AUTH-001" },
    "check that an IAM OIDC identity provider is registered for the token's issuer, and that its " +
      "audience list contains the token's aud (sts.amazonaws.com on EKS)",
    "check that the issuer's /.well-known/openid-configuration and its keys can be reached from " +
      "the internet within five seconds",
  ),
  row(
    { error: "IDPRejectedClaim", code: "AUTH-001" },
    "the identity provider rejected the token; check that it is neither expired nor revoked",
  ),
  row(
    { error: "IDPCommunicationError", code: "AUTH-003" },
    "the identity provider of the web identity did not answer AWS; the request is retried",
  ),
  row(
    { error: "AccessDenied", text: /AssumeRoleWithWebIdentity/, code: "AUTH-002" },
    "let the role's trust policy allow sts:AssumeRoleWithWebIdentity for the token's issuer, " +
      "with conditions that its sub and aud meet",
  ),
  row(
    { error: "AccessDenied", text: /sts:AssumeRole/, code: "AUTH-002" },
    "let the role's trust policy allow the principal that assumes it, and check ExternalId if " +
      "the policy requires one",
    "grant sts:AssumeRole for the role to the principal that assumes it",
  ),
  row(
    { error: "AccessDenied", code: "AUTH-002" },
    "let the policy of the key's owner allow the medical-imaging actions on the data store",
  ),
  row(
    { error: "RegionDisabled", code: "AUTH-002" },
    "activate the Security Token Service in this region (IAM > Account settings), or set " +
      "StsEndpoint to that of another",
  ),
  row(
    { error: "OptInRequired", code: "AUTH-002" },
    "the account is not enabled for this service or region; enable it in the account's settings",
  ),
  row(
    { error: "ValidationError", text: /DurationSeconds/i },
    "lower RoleDurationSeconds: it is more than the role's maximum session duration, or more " +
      "than the hour that AWS allows where a role assumes another",
  ),
  row(
    { error: "ValidationError" },
    "check RoleArn, WebIdentityRoleArn, ExternalId and RoleSessionName",
  ),
  row({ error: "MalformedQueryString" }, "check StsEndpoint: no Security Token Service answers"),
  row(
    { error: "IncompleteSignature", code: "AUTH-001" },
    "check AccessKeyId and Region for stray characters",
  ),
  row(
    { error: "MissingAuthenticationToken", code: "AUTH-001" },
    "check that Url is that of the data store",
  ),
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
