/**
 * What Auth0 refuses, and what to do about it. It answers `access_denied` to nearly everything.
 *
 * @module
 */
import { type Advice, adviceOf } from "../advice.ts";

/** Sources: auth0.com/docs, "Client Credentials Flow" and "Private Key JWT"; users' reports. */
export const auth0Advice: readonly Advice[] = adviceOf("auth0", [
  {
    error: "access_denied",
    text: /Non-global clients are not allowed access to APIv1/i,
    code: "AUTH-002",
    steps: ["Auth0: set Audience to the identifier of the API (Applications > APIs)"],
  },
  {
    error: "access_denied",
    text: /Service not enabled within domain/i,
    code: "AUTH-002",
    steps: [
      "Auth0: no API of this tenant has the identifier in Audience; it must be the same character " +
      "by character, a slash at its end included",
    ],
  },
  {
    error: "access_denied",
    text: /not authorized to access/i,
    code: "AUTH-002",
    steps: [
      "Auth0: authorize the application for the API (APIs > the API > Machine to Machine " +
      "Applications), with the scopes of Scope",
    ],
  },
  {
    error: "access_denied",
    status: 401,
    code: "AUTH-001",
    steps: [
      "Auth0: copy ClientId and ClientSecret anew from the application's settings; a rotated " +
      "secret ends the old one",
    ],
  },
  {
    error: "unauthorized_client",
    text: /grant type/i,
    steps: [
      "Auth0: the application must be a Machine to Machine application, or have the Client " +
      "Credentials grant (Advanced Settings > Grant Types)",
    ],
  },
  {
    error: "invalid_client",
    steps: [
      "Auth0: check that the application's authentication method is the configured one, and the " +
      "public key that of PrivateKey with the same algorithm",
      "Auth0: assertions live 300 s at most, are good for https://{domain}/ with the slash, and " +
      "may be signed no more than 10 s ahead of Auth0's clock",
    ],
  },
]);
