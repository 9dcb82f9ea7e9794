/**
 * What Okta refuses, and what to do about it.
 *
 * @module
 */
import type { Remedy } from "./remedy.ts";

/** Source: developer.okta.com/docs/reference/error-codes and .../guides/implement-grant-type. */
export const oktaRemedies: readonly Remedy[] = [
  {
    provider: "okta",
    error: "invalid_scope",
    steps: [
      "Okta: custom scopes need a custom authorization server: use the TokenEndpoint " +
      "https://{domain}/oauth2/{authorizationServerId}/v1/token, not https://{domain}/oauth2/v1/token",
      "Okta: create the scope at that server (Security > API > Scopes); openid and profile are not " +
      "given to a client without a user",
    ],
  },
];
