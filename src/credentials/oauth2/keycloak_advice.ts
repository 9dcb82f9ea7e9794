/**
 * What Keycloak refuses, and what to do about it.
 *
 * @module
 */
import { type Advice, adviceOf } from "../advice.ts";

/** Source: keycloak/keycloak, the token endpoint's grant types and the validators of signed JWTs. */
export const keycloakAdvice: readonly Advice[] = adviceOf("keycloak", [
  {
    error: "unauthorized_client",
    text: /not enabled to retrieve service account/i,
    steps: [
      "Keycloak: switch on Service accounts roles of the client (Settings > Capability config)",
    ],
  },
  {
    error: "unauthorized_client",
    text: /public client/i,
    steps: ["Keycloak: switch on Client authentication of the client, which is a public one now"],
  },
  {
    error: "invalid_client",
    text: /audience/i,
    steps: [
      "Keycloak: the assertion must be for the realm: set Issuer to the realm's URL in place of " +
      "TokenEndpoint, or AssertionAudience to it",
      "Keycloak: compare that URL with issuer in /realms/{realm}/.well-known/openid-configuration: " +
      "behind a proxy it is the realm's public address (hostname)",
    ],
  },
  {
    error: "invalid_client",
    text: /reuse/i,
    steps: [
      "Keycloak: something sends the same assertion twice, such as a proxy that repeats requests: " +
      "let it not repeat POST",
    ],
  },
  {
    error: "invalid_client",
    text: /issued|not active|expir/i,
    steps: [
      "Keycloak: compare the clocks; Keycloak tolerates 15 s, and takes an assertion for 60 s " +
      "after it was signed unless the client's Max expiration says otherwise",
    ],
  },
  {
    text: /Unable to load public key/i,
    code: "AUTH-001",
    steps: [
      "Keycloak: import the certificate or public key of PrivateKey (client > Keys), or let " +
      "Keycloak fetch it: JWKS URL https://{gateway}/.well-known/jwks.json, with KeyId set",
    ],
  },
  {
    error: "invalid_client",
    text: /signature/i,
    steps: [
      "Keycloak: compare Signature algorithm (client > Credentials) with AssertionAlgorithm, and the " +
      "key under Keys with PrivateKey",
    ],
  },
  {
    error: "invalid_client",
    steps: [
      "Keycloak: compare Client Authenticator (client > Credentials) with ClientAuthentication, and " +
      "copy the secret anew: it changes when it is regenerated",
      "Keycloak: check that the client belongs to the realm in the URL and is enabled",
    ],
  },
  {
    error: "unauthorized_client",
    code: "AUTH-001",
    steps: [
      "Keycloak: older versions say this of a wrong secret: copy it anew from the client's " +
      "Credentials tab",
    ],
  },
  {
    error: "invalid_scope",
    steps: ["Keycloak: assign the scope to the client (Client scopes), or leave Scope out"],
  },
  {
    status: 404,
    steps: [
      "Keycloak: check the realm in the URL, which counts upper and lower case; before version 17 " +
      "the path begins with /auth/realms/",
    ],
  },
]);
