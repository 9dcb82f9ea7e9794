/**
 * Signs the assertions that authenticate a client without sending a secret (RFC 7523, section 2.2).
 * Each is used for one request: providers reject a `jti` that they have seen.
 */
import { type CryptoKey, importJWK, type JWTHeaderParameters, SignJWT } from "jose";
import type {
  AssertionConfig,
  KeyAssertion,
  SecretAssertion,
} from "../../config/schemes/oauth2/client_authentication.ts";
import { type ProviderName, providerOf } from "../../config/schemes/oauth2/identity_provider.ts";
import type { Clock } from "../../network/clock.ts";

/** The token endpoint that a client authenticates to. */
export interface AuthenticationTarget {
  /** Its URL. */
  readonly tokenEndpoint: string;
  /** The provider's issuer, if known by discovery. */
  readonly issuer?: string | undefined;
  /** The provider, if the configuration names it. */
  readonly provider?: ProviderName | undefined;
}

/**
 * An assertion's times lie this far back: some providers have no tolerance at all, and reject what a
 * clock that is a second ahead of theirs has signed.
 */
const BACKDATED_SECONDS = 5;

/** Signs an assertion for one request. */
export type SignAssertion = (target: AuthenticationTarget) => Promise<string>;

/** Signs assertions with a private key. */
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

/** Signs assertions with the client secret. */
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
 * The audience that a provider expects in an assertion if the configuration names none.
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
      // RFC 7523 accepts the token endpoint as the audience; its successor requires the issuer.
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
