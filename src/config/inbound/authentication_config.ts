/**
 * Who may call the gateway, as the configuration has it.
 *
 * @module
 */
import type { Secret } from "../secret.ts";
import type { TokenValidationConfig } from "../token_validation_config.ts";

/** The ways in which clients show who they are; at least one of them. */
export interface AuthenticationConfig {
  /** Passwords (RFC 7617), hashed, by name of the user; empty: none. */
  readonly users: ReadonlyMap<string, Secret>;
  /** Keys in a header. */
  readonly apiKeys: ApiKeysConfig | undefined;
  /** Issuers of bearer tokens (RFC 6750), by the name they have in subjects; empty: none. */
  readonly issuers: ReadonlyMap<string, IssuerConfig>;
}

/** Keys in a header. */
export interface ApiKeysConfig {
  /** Name of the header, in lower case. */
  readonly header: string;
  /** SHA-256 of the keys in hexadecimal, by the name of whoever has the key. Never empty. */
  readonly keys: ReadonlyMap<string, Secret>;
}

/** An issuer whose tokens open the gateway. */
export interface IssuerConfig {
  readonly name: string;
  /** Keys, issuer, audience and algorithms; the first two always say something. */
  readonly validation: TokenValidationConfig;
  /** Scopes that a token must have, all of them. */
  readonly requiredScopes: readonly string[];
  /** Roles of which a token must have one; empty: none is needed. */
  readonly requiredRoles: readonly string[];
  /** Names that lead to the claim with the roles. */
  readonly rolesClaim: readonly string[];
  /** Names that lead to the claim with the subject. */
  readonly subjectClaim: readonly string[];
  /** PEM certificates trusted besides those of the system where keys are fetched. */
  readonly caCertificatesPem: readonly string[];
}
