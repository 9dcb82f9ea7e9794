/**
 * Validates the tokens of another source: an invalid one is neither used nor cached. It is a security
 * event, because the token may not come from the provider.
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import { quoteProvider } from "../provider_text.ts";
import { NO_JWT, TokenFault } from "./token_fault.ts";
import type { TokenValidator } from "./token_validator.ts";

/** In the security log. */
const MAX_QUOTED_CLAIM = 200;

const OPAQUE_REMEDY = [
  "Have the provider issue JWT access tokens for this API, or remove JWTPublicKey, JWKSUri and " +
  "EnableJWTValidation of this server: then only the store checks its tokens",
];

export interface ValidatedTokenSourceOptions {
  readonly server: string;
  readonly source: TokenSource;
  readonly validator: TokenValidator;
  /** Receives security events. */
  readonly security: Logger;
}

export class ValidatedTokenSource implements TokenSource {
  readonly fingerprint: string;
  readonly #options: ValidatedTokenSourceOptions;
  /** The last invalid token from the cache. */
  #rejectedValue: string | undefined;

  constructor(options: ValidatedTokenSourceOptions) {
    this.#options = options;
    const { source, validator } = options;
    // Excludes cached tokens that were validated by other rules, or not at all.
    this.fingerprint = fingerprint([source.fingerprint, validator.fingerprint]);
  }

  get endpoint(): string {
    return this.#options.source.endpoint;
  }

  /**
   * Fetches the keys before it requests the token.
   *
   * @throws {GatewayError} TOK-004 for an invalid token or without keys; whatever the source throws.
   */
  async acquire(signal: AbortSignal): Promise<Token> {
    const { source, validator, server } = this.#options;
    await validator.prepare(signal);
    const token = await source.acquire(signal);
    try {
      await validator.validate(token.value, signal);
      return token;
    } catch (error) {
      if (!(error instanceof TokenFault)) throw error;
      this.#report(error, "identity provider");
      throw new GatewayError(
        "TOK-004",
        `Cannot use the token for server "${server}": ${error.message}`,
        { server, ...(error.message === NO_JWT && { troubleshooting: OPAQUE_REMEDY }) },
      );
    }
  }

  /**
   * Validates a cached token again, because its key may have been withdrawn. If the keys are
   * unavailable, it is accepted: it was validated before it was stored, as the cache's encryption
   * proves, and the cache is meant to bridge outages of the provider.
   */
  async accepts(stored: Token, signal: AbortSignal): Promise<boolean> {
    const { source, validator } = this.#options;
    // While waiting for another worker's token, the old one is found repeatedly.
    if (stored.value === this.#rejectedValue) return false;
    try {
      await validator.validate(stored.value, signal);
    } catch (error) {
      if (error instanceof TokenFault) {
        this.#rejectedValue = stored.value;
        this.#report(error, "token cache");
        return false;
      }
      if (!(error instanceof GatewayError)) throw error;
    }
    return await source.accepts?.(stored, signal) ?? true;
  }

  #report(fault: TokenFault, from: string): void {
    const { server, source, security } = this.#options;
    const { claim, found } = fault;
    security.error(`Token validation failed for server "${server}"; discarding the token`, {
      event_type: "token_validation_failure",
      error_code: "TOK-004",
      server,
      endpoint: source.endpoint,
      from,
      reason: fault.message,
      ...(claim !== undefined &&
        { claim, found: quoteProvider(JSON.stringify(found) ?? "", MAX_QUOTED_CLAIM, []) }),
    });
  }
}
