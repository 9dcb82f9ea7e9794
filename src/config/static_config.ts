/**
 * What signing with a credential that never changes by itself needs: a bearer token, a file that
 * another program keeps a token in, a password, or headers as they are.
 *
 * @module
 */
import type { Secret } from "./secret.ts";

/** A bearer token. */
export interface StaticToken {
  readonly kind: "static_token";
  readonly token: Secret;
}

/** A bearer token in a file that another program renews. */
export interface TokenFile {
  readonly kind: "token_file";
  /** Absolute path. */
  readonly file: string;
}

/** HTTP Basic (RFC 7617). */
export interface BasicCredentials {
  readonly kind: "basic";
  readonly username: string;
  readonly password: Secret;
}

/** Headers as they are. */
export interface FixedHeaders {
  readonly kind: "headers";
  /** Values by name. */
  readonly headers: Readonly<Record<string, Secret>>;
}
