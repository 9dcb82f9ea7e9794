/**
 * What Auth0 refuses, and what to do about it. It answers `access_denied` to nearly everything.
 */
import { type Advice, rowsOf } from "../advice.ts";

const row = rowsOf("auth0", "Auth0");

/** Sources: auth0.com/docs, "Client Credentials Flow" and "Private Key JWT"; users' reports. */
export const auth0Advice: readonly Advice[] = [
  row(
    {
      error: "access_denied",
      text: /Non-global clients are not allowed access to APIv1/i,
      code: "AUTH-002",
    },
    "set Audience to the identifier of the API (Applications > APIs)",
  ),
  row(
    { error: "access_denied", text: /Service not enabled within domain/i, code: "AUTH-002" },
    "no API of this tenant has the identifier in Audience; it must be the same character by " +
      "character, a slash at its end included",
  ),
  row(
    { error: "access_denied", text: /not authorized to access/i, code: "AUTH-002" },
    "authorize the application for the API (APIs > the API > Machine to Machine Applications), " +
      "with the scopes of Scope",
  ),
  row(
    { status: 401, error: "access_denied", code: "AUTH-001" },
    "copy ClientId and ClientSecret anew from the application's settings; a rotated secret ends " +
      "the old one",
  ),
  row(
    { error: "unauthorized_client", text: /grant type/i },
    "the application must be a Machine to Machine application, or have the Client Credentials " +
      "grant (Advanced Settings > Grant Types)",
  ),
  row(
    { error: "invalid_client" },
    "check that the application's authentication method is the configured one, and the public " +
      "key that of PrivateKey with the same algorithm",
    "assertions live 300 s at most, are good for https://{domain}/ with the slash, and may be " +
      "signed no more than 10 s ahead of Auth0's clock",
  ),
];
