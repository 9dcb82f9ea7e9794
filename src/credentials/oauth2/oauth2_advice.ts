/**
 * What to do about refusals of any provider, according to the standards. Rows of providers precede these.
 *
 * @module
 */
import type { Advice } from "../advice.ts";

/** Sources: RFC 6749, section 5.2; RFC 9449, section 5; SMART App Launch, Backend Services. */
export const oauth2Advice: readonly Advice[] = [
  {
    provider: "smart",
    error: "invalid_client",
    steps: [
      "SMART: register the public key with the server: as the JWK Set URL " +
      "https://{gateway}/.well-known/jwks.json, or its content",
      "SMART: compare ClientId and KeyId with the registration, and the clocks: an assertion is good " +
      "for minutes",
    ],
  },
  {
    provider: "smart",
    error: "invalid_scope",
    steps: [
      "SMART: ask for scopes that were registered for this client, such as system/ImagingStudy.rs: a " +
      "backend service has system scopes only",
    ],
  },
  {
    error: "invalid_dpop_proof",
    code: "AUTH-001",
    steps: [
      "OAuth2: the provider wants tokens that are bound to a key: set DPoP to true; where it is, " +
      "compare the clocks",
    ],
  },
  {
    error: "unsupported_grant_type",
    steps: [
      "OAuth2: switch on the client credentials grant of the client at the provider, and check that " +
      "TokenEndpoint is the token endpoint",
    ],
  },
];
