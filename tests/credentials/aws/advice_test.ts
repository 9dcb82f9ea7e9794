import assert from "node:assert/strict";
import { plainCode, refusalError } from "../../../src/credentials/aws/refusal.ts";
import {
  awsAdvice,
  containerAdvice,
  instanceMetadataAdvice,
  instanceMetadataSilence,
} from "../../../src/credentials/aws/advice.ts";
import { findAdvice } from "../../../src/credentials/provider_advice.ts";
import type { Advice } from "../../../src/credentials/advice.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";

const STS = "https://sts.eu-west-1.amazonaws.com/";

/** Codes and messages from AWS's documentation and forums. */
const rows: readonly (readonly [
  error: string,
  description: string,
  code: ErrorCode,
  advice: RegExp,
])[] = [
  [
    "InvalidClientTokenId",
    "The security token included in the request is invalid.",
    "AUTH-001",
    /deactivated or deleted/,
  ],
  [
    "UnrecognizedClientException",
    "The security token included in the request is invalid.",
    "AUTH-001",
    /deactivated or deleted/,
  ],
  [
    "SignatureDoesNotMatch",
    "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z",
    "AUTH-001",
    /clock/,
  ],
  [
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided.",
    "AUTH-001",
    /check SecretAccessKey/,
  ],
  [
    "InvalidSignatureException",
    "Signature not yet current: 20260101T010000Z is still later than 20260101T000500Z",
    "AUTH-001",
    /clock/,
  ],
  [
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided.",
    "AUTH-001",
    /check SecretAccessKey/,
  ],
  [
    "RequestTimeTooSkewed",
    "The difference between the request time and the current time is too large.",
    "AUTH-001",
    /clock/,
  ],
  ["RequestExpired", "Request has expired.", "AUTH-001", /clock/],
  [
    "ExpiredTokenException",
    "Token expired: current date/time 1700000000 must be before the expiration date/time",
    "AUTH-001",
    /web identity has expired/,
  ],
  [
    "ExpiredToken",
    "The security token included in the request is expired",
    "AUTH-001",
    /keys are temporary and have expired/,
  ],
  [
    "InvalidIdentityToken",
    "No OpenIDConnect provider found in your account for https://oidc.example",
    "AUTH-001",
    /OIDC identity provider/,
  ],
  ["IDPRejectedClaim", "The claim is invalid.", "AUTH-001", /expired nor revoked/],
  ["IDPCommunicationError", "Request timed out.", "AUTH-003", /retried/],
  [
    "AccessDenied",
    "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    "AUTH-002",
    /allow sts:AssumeRoleWithWebIdentity/,
  ],
  [
    "AccessDenied",
    "User: arn:aws:iam::1:user/a is not authorized to perform: sts:AssumeRole on resource: …",
    "AUTH-002",
    /ExternalId/,
  ],
  [
    "AccessDeniedException",
    "User is not authorized to perform: medical-imaging:SearchDICOMStudies",
    "AUTH-002",
    /medical-imaging actions/,
  ],
  [
    "RegionDisabledException",
    "STS is not activated in this region for account:1.",
    "AUTH-002",
    /activate the Security Token Service/,
  ],
  ["OptInRequired", "The AWS Access Key Id needs a subscription", "AUTH-002", /not enabled/],
  [
    "ValidationError",
    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    "TOK-001",
    /lower RoleDurationSeconds/,
  ],
  ["ValidationError", "Gateway is invalid", "TOK-001", /check RoleArn/],
  ["MalformedQueryString", "not a query", "TOK-001", /check StsEndpoint/],
  ["IncompleteSignature", "Credential must have exactly 5 elements", "AUTH-001", /stray/],
  ["MissingAuthenticationToken", "Request is missing a token", "AUTH-001", /Url/],
];

const used = new Set<Advice>();

for (const [error, description, code, advice] of rows) {
  Deno.test(`AWS's ${error} (${description.slice(0, 30)}…) is ${code} with its advice`, () => {
    const failure = refusalError({ status: 400, headers: new Headers(), error, description }, {
      server: "main",
      service: "AWS Security Token Service",
      endpoint: STS,
      secrets: [],
    });
    assert.equal(failure.code, code);
    assert.match(failure.troubleshooting[0] ?? "", advice);
    used.add(findAdvice({ endpoint: STS, status: 400, error: plainCode(error), description })!);
  });
}

Deno.test("Every advice for AWS has a test", () => {
  assert.deepEqual(awsAdvice.filter((row) => !used.has(row)), []);
});

Deno.test("AWS's advice is not given for another provider's error of the same name", () => {
  const refusal = { endpoint: "https://idp.example/token", status: 403, error: "AccessDenied" };
  assert.equal(findAdvice(refusal), undefined);
});

Deno.test("The advice for AWS's metadata services has the form of the others", () => {
  const steps = [instanceMetadataAdvice, containerAdvice]
    .flatMap((table) => Object.values(table)).flat();
  for (const step of [...steps, ...instanceMetadataSilence]) {
    assert.match(step, /^(AWS|EC2|ECS|EKS): .{10,}[^.]$/s);
  }
});

for (
  const error of [
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "InternalFailure",
    "TooManyRequestsException",
  ]
) {
  Deno.test(`AWS's ${error} is temporary, whatever its status`, () => {
    const failure = refusalError({ status: 400, headers: new Headers(), error }, {
      server: "main",
      service: "AWS Security Token Service",
      endpoint: STS,
      secrets: [],
    });
    assert.equal(failure.code, "AUTH-003");
  });
}
