/**
 * What Google's token endpoints and metadata server refuse, and what to do about it.
 *
 * @module
 */
import { type Advice, adviceOf } from "../advice.ts";

/** Source: developers.google.com/identity/protocols/oauth2/service-account and …/web-server. */
const tokenEndpoint = adviceOf("google", [
  {
    error: "invalid_grant",
    text: /Invalid JWT Signature/,
    code: "AUTH-001",
    steps: [
      "Google: the service account's key was deleted or disabled; create a new one in the console",
    ],
  },
  {
    error: "invalid_grant",
    text: /short-lived token|reasonable timeframe/,
    code: "AUTH-001",
    steps: ["Google: correct the clock of the gateway's machine"],
  },
  {
    error: "invalid_grant",
    text: /account not found/i,
    code: "AUTH-001",
    steps: [
      "Google: the service account was deleted or disabled; enable it or use another one's key",
    ],
  },
  {
    error: "invalid_grant",
    text: /rapt|reauth/i,
    code: "AUTH-001",
    steps: [
      "Google: the organisation wants its users to sign in again and again; use a service account",
    ],
  },
  {
    error: "invalid_grant",
    text: /expired or revoked/,
    code: "AUTH-001",
    steps: [
      "Google: sign in again with gcloud auth application-default login; the refresh token was revoked, " +
      "or not used for half a year, or belongs to a client still in testing (7 days)",
    ],
  },
  {
    error: "invalid_grant",
    code: "AUTH-001",
    steps: [
      "Google: check that the key, the refresh token or the other provider's token is still valid, and " +
      "that the pool's provider accepts its issuer, audience and attributes",
      "Google: compare the clock of the gateway's machine with the true time",
    ],
  },
  {
    error: "unauthorized_client",
    code: "AUTH-002",
    steps: [
      "Google: check Scope, and that the service account may ask for it; it acts for no user",
    ],
  },
  {
    error: "invalid_scope",
    code: "AUTH-002",
    steps: [
      "Google: check Scope; for the Cloud Healthcare API it is " +
      "https://www.googleapis.com/auth/cloud-healthcare",
    ],
  },
  {
    error: "invalid_client",
    code: "AUTH-001",
    steps: [
      "Google: the client in the credentials file was deleted or its secret changed; write the file anew",
    ],
  },
]);

/** Source: cloud.google.com/iam/docs, workload identity federation and service account impersonation. */
const services = adviceOf("google", [
  {
    error: "invalid_target",
    code: "AUTH-002",
    steps: [
      "Google: check that the workload identity pool and its provider, which the audience in the " +
      "credentials file names, exist and are enabled",
    ],
  },
  {
    text: /iam\.serviceAccounts\.getAccessToken/,
    code: "AUTH-002",
    steps: [
      "Google: grant the identity roles/iam.serviceAccountTokenCreator on the service account, or, for " +
      "a federated identity or a pod, roles/iam.workloadIdentityUser; it takes minutes to count",
    ],
  },
  {
    text: /insufficient authentication scopes/i,
    code: "AUTH-002",
    steps: [
      "Google: give the machine the access scope cloud-platform (it must be stopped for that)",
    ],
  },
  {
    text: /has not been used in project|it is disabled/i,
    code: "AUTH-002",
    steps: ["Google: enable the API that the message names in the project"],
  },
  {
    error: "PERMISSION_DENIED",
    code: "AUTH-002",
    steps: ["Google: grant the identity the permission that the message names"],
  },
  {
    error: "UNAUTHENTICATED",
    code: "AUTH-001",
    steps: [
      "Google: check that the first token is one for Google's APIs and that clocks are right",
    ],
  },
  {
    error: "NOT_FOUND",
    code: "AUTH-002",
    steps: ["Google: check the email address of the service account to act for; it may be deleted"],
  },
  {
    error: "INVALID_ARGUMENT",
    code: "AUTH-002",
    steps: [
      "Google: check Scope; a life above 3600 seconds must be allowed by the organisation " +
      "(iam.allowServiceAccountCredentialLifetimeExtension)",
    ],
  },
]);

export const googleAdvice: readonly Advice[] = [...tokenEndpoint, ...services];
