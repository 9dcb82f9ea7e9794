/**
 * Signs the assertions by which a client shows who it is without sending a secret (RFC 7523,
 * section 2.2). Each is used for one request: providers refuse a `jti` that they have seen.
 *
 * @module
 */
import { type CryptoKey, importJWK, type JWTHeaderParameters, SignJWT } from "jose";
import type {
  AssertionConfig,
  KeyAssertion,
  SecretAssertion,
} from "../../config/schemes/oauth2/client_authentication.ts";
import { providerOf } from "../../config/schemes/oauth2/identity_provider.ts";
import type { Clock } from "../../network/clock.ts";
import type { AuthenticationTarget } from "./token_request.ts";

/** Type of the assertion, as the token request names it (RFC 7523, section 2.2). */
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/**
 * How far an assertion's times lie back: some providers grant no tolerance at all, and refuse what a
 * clock that is a second ahead of theirs has signed.
 */
const BACKDATED_SECONDS = 5;

/** Signs an assertion for one request. */
export type SignAssertion = (target: AuthenticationTarget) => Promise<string>;

/**
 * Makes what signs assertions with a private key.
 *
 * @param configured The keys and what the assertion says.
 */
export function privateKeyAssertion(
  clientId: string,
  { keys: [signing], certificate, assertion }: KeyAssertion,
  clock: Pick<Clock, "now">,
): SignAssertion {
  const { algorithm: alg, keyId: kid } = signing;
  const header: JWTHeaderParameters = {
    alg,
    typ: "JWT",
    ...(kid !== undefined && { kid }),
    ...(certificate && { x5t: certificate.sha1, "x5t#S256": certificate.sha256 }),
  };
  let key: Promise<CryptoKey | Uint8Array> | undefined;
  return async (target) => {
    key ??= importJWK(JSON.parse(signing.privateJwk.reveal()), alg);
    return await assertionJwt(clientId, assertion, target, clock)
      .setProtectedHeader(header)
      .sign(await key);
  };
}

/**
 * Makes what signs assertions with the client's secret.
 *
 * @param configured The secret and what the assertion says.
 */
export function secretAssertion(
  clientId: string,
  { clientSecret, algorithm: alg, assertion }: SecretAssertion,
  clock: Pick<Clock, "now">,
): SignAssertion {
  const key = new TextEncoder().encode(clientSecret.reveal());
  return (target) =>
    assertionJwt(clientId, assertion, target, clock)
      .setProtectedHeader({ alg, typ: "JWT" })
      .sign(key);
}

/**
 * Writes an assertion into a token request.
 *
 * @param clientId The client's identifier: RFC 7521, section 4.2 lets it be left out, Entra ID does not.
 */
export function addAssertion(
  parameters: URLSearchParams,
  clientId: string,
  assertion: string,
): void {
  parameters.set("client_id", clientId);
  parameters.set("client_assertion_type", ASSERTION_TYPE);
  parameters.set("client_assertion", assertion);
}

/**
 * The audience that a provider wants in an assertion where the configuration names none.
 *
 * @example
 * ```ts
 * import { defaultAudience } from "./client_assertion.ts";
 * import assert from "node:assert/strict";
 *
 * const tokenEndpoint = "https://tenant.eu.auth0.com/oauth/token";
 * assert.equal(defaultAudience({ tokenEndpoint }), "https://tenant.eu.auth0.com/");
 * ```
 */
export function defaultAudience(
  { tokenEndpoint, issuer, provider }: AuthenticationTarget,
): string {
  switch (provider ?? providerOf(tokenEndpoint)) {
    case "auth0":
      return new URL("/", tokenEndpoint).href;
    case "okta":
      return tokenEndpoint;
    default:
      // RFC 7523 lets the token endpoint stand for the server; its successor wants the issuer.
      return issuer ?? tokenEndpoint;
  }
}

function assertionJwt(
  clientId: string,
  { audience, lifetimeSeconds }: AssertionConfig,
  target: AuthenticationTarget,
  clock: Pick<Clock, "now">,
): SignJWT {
  const issuedAt = Math.floor(clock.now() / 1000) - BACKDATED_SECONDS;
  return new SignJWT()
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience ?? defaultAudience(target))
    .setJti(crypto.randomUUID())
    .setIssuedAt(issuedAt)
    .setNotBefore(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds);
}
