/**
 * What Okta refuses, and what to do about it.
 */
import { type Advice, rowsOf } from "../advice.ts";

const row = rowsOf("okta", "Okta");

/**
 * Sources: developer.okta.com, "Implement authorization by grant type" and "Implement OAuth for Okta
 * with a service app"; support.okta.com on custom scopes; texts as users of its forums quote them.
 */
export const oktaAdvice: readonly Advice[] = [
  row(
    { error: "invalid_scope", text: /not configured for the authorization server/i },
    "add the scope at this authorization server (Security > API > Scopes), or correct Scope",
  ),
  row(
    { error: "invalid_scope" },
    "custom scopes need a custom authorization server: use the TokenEndpoint " +
      "https://{domain}/oauth2/{authorizationServerId}/v1/token, not " +
      "https://{domain}/oauth2/v1/token",
    "create the scope at that server (Security > API > Scopes); openid and profile are not given " +
      "to a client without a user",
  ),
  row(
    { error: "access_denied", text: /policy evaluation failed/i, code: "AUTH-002" },
    "add a rule to an access policy of the authorization server (Security > API > Access " +
      "Policies) that lets this client use the client credentials grant with this scope",
  ),
  row(
    { error: "invalid_client", text: /must use the private_key_jwt/i },
    "the organization's own authorization server (/oauth2/v1/token) takes no client secret: set " +
      'ClientAuthentication to "private_key_jwt", or use a custom authorization server',
  ),
  row(
    { error: "invalid_client", text: /audience claim for client_assertion/i },
    "the audience of the assertion must be the token endpoint: remove AssertionAudience, or set " +
      "it to the TokenEndpoint character by character",
  ),
  row(
    { error: "invalid_dpop_proof", code: "AUTH-001" },
    "this application requires proof of possession: set DPoP to true, or switch it off for the " +
      "application (General > Proof of possession) where the store takes bearer tokens only",
  ),
  row(
    { error: "unauthorized_client" },
    "the application must be an API Services application, or have the client credentials grant " +
      "switched on",
  ),
  row(
    { error: "invalid_client" },
    "copy ClientId and ClientSecret anew from the application's General tab; for private_key_jwt " +
      "compare KeyId and public key with those listed there",
    "check that the application is active and that TokenEndpoint is of the same Okta domain",
  ),
];
