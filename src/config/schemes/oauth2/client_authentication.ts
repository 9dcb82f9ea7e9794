/**
 * The methods of client authentication at the token endpoint (RFC 6749, section 2.3).
 */
import type { AssertionCertificate } from "../../values/assertion_certificate.ts";
import type { Secret } from "../../values/secret.ts";
import type { SigningKey } from "../../values/signing_key.ts";

export type ClientAuthentication =
  | SharedSecret
  | SecretAssertion
  | KeyAssertion
  | CertificateAuthentication
  | FederatedToken;

/** A secret that is sent (RFC 6749, section 2.3.1). */
interface SharedSecret {
  readonly method: "client_secret_post" | "client_secret_basic";
  readonly clientSecret: Secret;
  /** Of identifier and secret in the `Authorization` header. Default: `form`. */
  readonly encoding?: (typeof SECRET_ENCODINGS)[number] | undefined;
}

/** An assertion signed with a shared secret, which is not sent (RFC 7523, section 2.2). */
export interface SecretAssertion {
  readonly method: "client_secret_jwt";
  readonly clientSecret: Secret;
  readonly algorithm: (typeof HMAC_ALGORITHMS)[number];
  readonly assertion: AssertionConfig;
}

/** An assertion signed with a private key (RFC 7523, section 2.2). */
export interface KeyAssertion {
  readonly method: "private_key_jwt";
  /** The first signs; the public halves of all are published. Never empty. */
  readonly keys: readonly [SigningKey, ...SigningKey[]];
  /** The key's certificate, by which Entra ID finds the key. */
  readonly certificate?: AssertionCertificate | undefined;
  readonly assertion: AssertionConfig;
}

/** The client certificate of the connection (RFC 8705, section 2), of `TlsConfig`. */
interface CertificateAuthentication {
  readonly method: "tls_client_auth" | "self_signed_tls_client_auth";
}

/** A token of the platform in place of an assertion of the client (RFC 7523, section 2.2). */
interface FederatedToken {
  readonly method: "federated_token";
  /** Absolute path of its file, which the platform rewrites. */
  readonly file: string;
}

/** The claims of an assertion that are configured. */
export interface AssertionConfig {
  /** The `aud` claim; `undefined`: the issuer or the token endpoint, depending on the provider. */
  readonly audience: string | undefined;
  readonly lifetimeSeconds: number;
}

export const SECRET_ENCODINGS = ["form", "none"] as const;

export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
