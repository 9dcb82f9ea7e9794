/**
 * What Okta refuses, and what to do about it.
 *
 * @module
 */
import { type Advice, adviceOf } from "../advice.ts";

/**
 * Sources: developer.okta.com, "Implement authorization by grant type" and "Implement OAuth for Okta
 * with a service app"; support.okta.com on custom scopes; texts as users of its forums quote them.
 */
export const oktaAdvice: readonly Advice[] = adviceOf("okta", [
  {
    error: "invalid_scope",
    text: /not configured for the authorization server/i,
    steps: [
      "Okta: add the scope at this authorization server (Security > API > Scopes), or correct Scope",
    ],
  },
  {
    error: "invalid_scope",
    steps: [
      "Okta: custom scopes need a custom authorization server: use the TokenEndpoint " +
      "https://{domain}/oauth2/{authorizationServerId}/v1/token, not https://{domain}/oauth2/v1/token",
      "Okta: create the scope at that server (Security > API > Scopes); openid and profile are not " +
      "given to a client without a user",
    ],
  },
  {
    error: "access_denied",
    text: /policy evaluation failed/i,
    code: "AUTH-002",
    steps: [
      "Okta: add a rule to an access policy of the authorization server (Security > API > Access " +
      "Policies) that lets this client use the client credentials grant with this scope",
    ],
  },
  {
    error: "invalid_client",
    text: /must use the private_key_jwt/i,
    steps: [
      "Okta: the organization's own authorization server (/oauth2/v1/token) takes no client secret: " +
      'set ClientAuthentication to "private_key_jwt", or use a custom authorization server',
    ],
  },
  {
    error: "invalid_client",
    text: /audience claim for client_assertion/i,
    steps: [
      "Okta: the audience of the assertion must be the token endpoint: remove AssertionAudience, or " +
      "set it to the TokenEndpoint character by character",
    ],
  },
  {
    error: "invalid_dpop_proof",
    code: "AUTH-001",
    steps: [
      "Okta: this application requires proof of possession: set DPoP to true, or switch it off for " +
      "the application (General > Proof of possession) where the store takes bearer tokens only",
    ],
  },
  {
    error: "unauthorized_client",
    steps: [
      "Okta: the application must be an API Services application, or have the client credentials " +
      "grant switched on",
    ],
  },
  {
    error: "invalid_client",
    steps: [
      "Okta: copy ClientId and ClientSecret anew from the application's General tab; for " +
      "private_key_jwt compare KeyId and public key with those listed there",
      "Okta: check that the application is active and that TokenEndpoint is of the same Okta domain",
    ],
  },
]);
