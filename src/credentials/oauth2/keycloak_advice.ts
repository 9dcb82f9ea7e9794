/**
 * What Keycloak refuses, and what to do about it.
 */
import { type Advice, rowsOf } from "../advice.ts";

const row = rowsOf("keycloak", "Keycloak");

/** Source: keycloak/keycloak, the token endpoint's grant types and the validators of signed JWTs. */
export const keycloakAdvice: readonly Advice[] = [
  row(
    { error: "unauthorized_client", text: /not enabled to retrieve service account/i },
    "switch on Service accounts roles of the client (Settings > Capability config)",
  ),
  row(
    { error: "unauthorized_client", text: /public client/i },
    "switch on Client authentication of the client, which is a public one now",
  ),
  row(
    { error: "invalid_client", text: /audience/i },
    "the assertion must be for the realm: set Issuer to the realm's URL in place of " +
      "TokenEndpoint, or AssertionAudience to it",
    "compare that URL with issuer in /realms/{realm}/.well-known/openid-configuration: behind a " +
      "proxy it is the realm's public address (hostname)",
  ),
  row(
    { error: "invalid_client", text: /reuse/i },
    "something sends the same assertion twice, such as a proxy that repeats requests: let it not " +
      "repeat POST",
  ),
  row(
    { error: "invalid_client", text: /issued|not active|expir/i },
    "compare the clocks; Keycloak tolerates 15 s, and takes an assertion for 60 s after it was " +
      "signed unless the client's Max expiration says otherwise",
  ),
  row(
    { text: /Unable to load public key/i, code: "AUTH-001" },
    "import the certificate or public key of PrivateKey (client > Keys), or let Keycloak fetch " +
      "it: JWKS URL https://{gateway}/.well-known/jwks.json, with KeyId set",
  ),
  row(
    { error: "invalid_client", text: /signature/i },
    "compare Signature algorithm (client > Credentials) with AssertionAlgorithm, and the key " +
      "under Keys with PrivateKey",
  ),
  row(
    { error: "invalid_client" },
    "compare Client Authenticator (client > Credentials) with ClientAuthentication, and copy the " +
      "secret anew: it changes when it is regenerated",
    "check that the client belongs to the realm in the URL and is enabled",
  ),
  row(
    { error: "unauthorized_client", code: "AUTH-001" },
    "older versions say this of a wrong secret: copy it anew from the client's Credentials tab",
  ),
  row(
    { error: "invalid_scope" },
    "assign the scope to the client (Client scopes), or leave Scope out",
  ),
  row(
    { status: 404 },
    "check the realm in the URL, which counts upper and lower case; before version 17 the path " +
      "begins with /auth/realms/",
  ),
];
