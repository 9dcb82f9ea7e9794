/**
 * Where the token endpoint is learnt from, in place of its URL in the configuration.
 *
 * @module
 */

/** A document of the provider that names its token endpoint. */
export interface DiscoveryConfig {
  /**
   * `issuer`: OpenID Connect Discovery 1.0 or RFC 8414. `smart`: SMART App Launch, from the base
   * URL of a FHIR server.
   */
  readonly kind: "issuer" | "smart";
  /** The issuer, character by character as it must come back; or the base URL. */
  readonly url: string;
  /** `host:port` pairs that the token endpoint may be at: that of `url` among them. */
  readonly allowedHosts: readonly string[];
}
