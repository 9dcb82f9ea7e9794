import assert from "node:assert/strict";
import { findAdvice } from "../../../src/credentials/provider_advice.ts";
import { googleAdvice } from "../../../src/credentials/google/advice.ts";
import type { Advice } from "../../../src/credentials/advice.ts";
import type { ErrorCode } from "../../../src/errors/catalogue.ts";

const JWT_TIME =
  "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable " +
  "timeframe. Check your iat and exp values in the JWT claim.";
const DENIED = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource";

/** Messages from Google's documentation and forums. */
const rows: readonly (readonly [
  error: string | undefined,
  description: string,
  code: ErrorCode,
  advice: RegExp,
])[] = [
  ["invalid_grant", "Invalid JWT Signature.", "AUTH-001", /key was deleted/],
  ["invalid_grant", JWT_TIME, "AUTH-001", /clock/],
  ["invalid_grant", "Invalid grant: account not found", "AUTH-001", /service account was deleted/],
  ["invalid_grant", "reauth related error (invalid_rapt)", "AUTH-001", /organisation/],
  ["invalid_grant", "Token has been expired or revoked.", "AUTH-001", /sign in again/],
  ["invalid_grant", "ID Token issued at 1 is stale to sign-in.", "AUTH-001", /pool's provider/],
  [
    "unauthorized_client",
    "Client is unauthorized to retrieve access tokens using this method",
    "AUTH-002",
    /check Scope/,
  ],
  ["invalid_scope", "Invalid OAuth scope", "AUTH-002", /cloud-healthcare/],
  ["invalid_client", "The OAuth client was not found.", "AUTH-001", /write the file anew/],
  ["invalid_target", "The target service is invalid.", "AUTH-002", /pool and its provider/],
  ["PERMISSION_DENIED", DENIED, "AUTH-002", /serviceAccountTokenCreator/],
  [
    undefined,
    `Unable to generate access token; IAM returned 403: ${DENIED}`,
    "AUTH-002",
    /workloadIdentityUser/,
  ],
  [
    "PERMISSION_DENIED",
    "Request had insufficient authentication scopes.",
    "AUTH-002",
    /access scope cloud-platform/,
  ],
  [
    "PERMISSION_DENIED",
    "Security Token Service API has not been used in project 1 before or it is disabled.",
    "AUTH-002",
    /enable the API/,
  ],
  ["PERMISSION_DENIED", "Denied by a policy", "AUTH-002", /grant the identity the permission/],
  ["UNAUTHENTICATED", "Request had invalid authentication credentials.", "AUTH-001", /first token/],
  ["NOT_FOUND", "Not found; Gaia id not found for email x", "AUTH-002", /email address/],
  ["INVALID_ARGUMENT", "Request contains an invalid argument.", "AUTH-002", /3600/],
];

function find(error: string | undefined, description: string): Advice | undefined {
  const endpoint = "https://oauth2.googleapis.com/token";
  return findAdvice({ endpoint, status: 400, error, description });
}

for (const [error, description, code, advice] of rows) {
  Deno.test(`Google's advice for ${error}: ${description}`, () => {
    const found = find(error, description);
    assert.match(found?.steps[0] ?? "", advice);
    assert.equal(found?.code, code);
  });
}

Deno.test("Every advice for Google has a test", () => {
  const found = new Set(rows.map(([error, description]) => find(error, description)));
  assert.deepEqual(googleAdvice.filter((row) => !found.has(row)), []);
});

Deno.test("Google's advice is given for Google's refusals only", () => {
  for (const [error, description] of rows) {
    const refusal = { endpoint: "https://idp.example/token", status: 400, error, description };
    assert.notEqual(findAdvice(refusal)?.provider, "google");
  }
});
