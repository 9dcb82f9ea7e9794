/**
 * How tokens are checked before they are used, as the configuration has it (the plugin's `JWT…` keys).
 *
 * @module
 */
import type { SigningAlgorithm } from "./client_authentication_config.ts";
import type { DiscoveryConfig } from "./discovery_config.ts";

/** How tokens are checked before they are used. */
export interface TokenValidationConfig {
  readonly keys: VerificationKeys;
  /** The `aud` claim that tokens must have; `undefined`: any. */
  readonly audience: string | undefined;
  /** The `iss` claims accepted; none: any. */
  readonly issuers: readonly string[];
  /** Signature algorithms accepted: never `none`, never HMAC. Never empty. */
  readonly algorithms: readonly SigningAlgorithm[];
}

/** Where the keys come from that tokens must be signed with. */
export type VerificationKeys =
  /** One key, written down. */
  | { readonly from: "configuration"; readonly publicJwk: PublicJwk }
  /** A JWK Set at a URL (RFC 7517, section 5). */
  | { readonly from: "url"; readonly url: string }
  /** The JWK Set that the provider's own metadata names. */
  | { readonly from: "discovery"; readonly discovery: DiscoveryConfig };

/** A public key as a JWK (RFC 7517), its key material alone. */
export type PublicJwk = Readonly<Record<string, string>>;
