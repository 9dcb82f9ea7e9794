/**
 * How a client shows the token endpoint who it is, as the configuration has it: one type a method.
 *
 * @module
 */
import type { AssertionCertificate } from "../../values/assertion_certificate.ts";
import type { Secret } from "../../values/secret.ts";
import type { SigningKey } from "../../values/signing_key.ts";

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

/** Algorithms of a shared secret. */
export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;

/** An algorithm of a shared secret. */
export type HmacAlgorithm = (typeof HMAC_ALGORITHMS)[number];
