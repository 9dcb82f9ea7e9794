/**
 * How a client shows the token endpoint who it is, as the configuration has it: one type a method.
 *
 * @module
 */
import type { Secret } from "./secret.ts";

/** How the client shows the token endpoint who it is (RFC 6749, section 2.3). */
export type ClientAuthentication =
  | SharedSecret
  | SecretAssertion
  | KeyAssertion
  | CertificateAuthentication
  | FederatedToken;

/** A secret that is sent (RFC 6749, section 2.3.1). */
export interface SharedSecret {
  readonly method: "client_secret_post" | "client_secret_basic";
  readonly clientSecret: Secret;
}

/** An assertion signed with a shared secret, which is not sent (RFC 7523, section 2.2). */
export interface SecretAssertion {
  readonly method: "client_secret_jwt";
  readonly clientSecret: Secret;
  readonly algorithm: HmacAlgorithm;
  readonly assertion: AssertionConfig;
}

/** An assertion signed with a private key (RFC 7523, section 2.2). */
export interface KeyAssertion {
  readonly method: "private_key_jwt";
  /** The first signs; the public halves of all are published. Never empty. */
  readonly keys: readonly [SigningKey, ...SigningKey[]];
  /** The key's certificate, which Entra ID finds the key by. */
  readonly certificate?: AssertionCertificate | undefined;
  readonly assertion: AssertionConfig;
}

/** The client certificate of the connection (RFC 8705, section 2); `TlsConfig` holds it. */
export interface CertificateAuthentication {
  readonly method: "tls_client_auth" | "self_signed_tls_client_auth";
}

/** A token of the platform in place of an assertion of one's own (RFC 7523, section 2.2). */
export interface FederatedToken {
  readonly method: "federated_token";
  /** Absolute path of the file that holds it, which the platform writes anew. */
  readonly file: string;
}

/** What an assertion says besides who the client is. */
export interface AssertionConfig {
  /** The `aud` claim; `undefined`: the issuer or the token endpoint, whichever the provider wants. */
  readonly audience: string | undefined;
  readonly lifetimeSeconds: number;
}

/** A private key to sign assertions with. */
export interface SigningKey {
  /** The private key as a JWK (RFC 7517), in JSON. */
  readonly privateJwk: Secret;
  /** Its public half as it is published, `kid`, `alg` and `use` included. */
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly algorithm: SigningAlgorithm;
  /** The `kid` header, where one is sent. */
  readonly keyId: string | undefined;
}

/** A certificate in the header of assertions (RFC 7515, sections 4.1.7 and 4.1.8). */
export interface AssertionCertificate {
  /** Its thumbprint, base64url-encoded. */
  readonly sha1: string;
  /** Its thumbprint, base64url-encoded. */
  readonly sha256: string;
  /** Until when it is valid, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** Algorithms of a key pair (RFC 7518, section 3.1; RFC 8037, section 3.1). */
export const SIGNING_ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

/** An algorithm of a key pair. */
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** Algorithms of a shared secret. */
export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;

/** An algorithm of a shared secret. */
export type HmacAlgorithm = (typeof HMAC_ALGORITHMS)[number];
