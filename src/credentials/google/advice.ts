/**
 * What Google's token endpoints and metadata server refuse, and what to do about it.
 */
import { type Advice, rowsOf } from "../advice.ts";

const row = rowsOf("google", "Google");

/**
 * Sources: developers.google.com/identity/protocols/oauth2/service-account and …/web-server;
 * cloud.google.com/iam/docs, workload identity federation and service account impersonation.
 */
export const googleAdvice: readonly Advice[] = [
  row(
    { error: "invalid_grant", text: /Invalid JWT Signature/, code: "AUTH-001" },
    "the service account's key was deleted or disabled; create a new one in the console",
  ),
  row(
    { error: "invalid_grant", text: /short-lived token|reasonable timeframe/, code: "AUTH-001" },
    "correct the clock of the gateway's machine",
  ),
  row(
    { error: "invalid_grant", text: /account not found/i, code: "AUTH-001" },
    "the service account was deleted or disabled; enable it or use another one's key",
  ),
  row(
    { error: "invalid_grant", text: /rapt|reauth/i, code: "AUTH-001" },
    "the organisation wants its users to sign in again and again; use a service account",
  ),
  row(
    { error: "invalid_grant", text: /expired or revoked/, code: "AUTH-001" },
    "sign in again with gcloud auth application-default login; the refresh token was revoked, or " +
      "not used for half a year, or belongs to a client still in testing (7 days)",
  ),
  row(
    { error: "invalid_grant", code: "AUTH-001" },
    "check that the key, the refresh token or the other provider's token is still valid, and " +
      "that the pool's provider accepts its issuer, audience and attributes",
    "compare the clock of the gateway's machine with the true time",
  ),
  row(
    { error: "unauthorized_client", code: "AUTH-002" },
    "check Scope, and that the service account may ask for it; it acts for no user",
  ),
  row(
    { error: "invalid_scope", code: "AUTH-002" },
    "check Scope; for the Cloud Healthcare API it is " +
      "https://www.googleapis.com/auth/cloud-healthcare",
  ),
  row(
    { error: "invalid_client", code: "AUTH-001" },
    "the client in the credentials file was deleted or its secret changed; write the file anew",
  ),
  row(
    { error: "invalid_target", code: "AUTH-002" },
    "check that the workload identity pool and its provider, which the audience in the " +
      "credentials file names, exist and are enabled",
  ),
  row(
    { text: /iam\.serviceAccounts\.get(?:Access|OpenId)Token/, code: "AUTH-002" },
    "grant the identity roles/iam.serviceAccountTokenCreator on the service account, or, for a " +
      "federated identity or a pod, roles/iam.workloadIdentityUser; it takes minutes to count",
  ),
  row(
    { text: /insufficient authentication scopes/i, code: "AUTH-002" },
    "give the machine the access scope cloud-platform (it must be stopped for that)",
  ),
  row(
    { text: /has not been used in project|it is disabled/i, code: "AUTH-002" },
    "enable the API that the message names in the project",
  ),
  row(
    { error: "PERMISSION_DENIED", code: "AUTH-002" },
    "grant the identity the permission that the message names",
  ),
  row(
    { error: "UNAUTHENTICATED", code: "AUTH-001" },
    "check that the first token is one for Google's APIs and that clocks are right",
  ),
  row(
    { error: "NOT_FOUND", code: "AUTH-002" },
    "check the email address of the service account to act for; it may be deleted",
  ),
  row(
    { error: "INVALID_ARGUMENT", code: "AUTH-002" },
    "check Scope; a life above 3600 seconds must be allowed by the organisation " +
      "(iam.allowServiceAccountCredentialLifetimeExtension)",
  ),
];
