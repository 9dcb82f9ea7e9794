/**
 * Stands around a way of getting tokens and lets none through that does not pass validation: it is
 * neither used nor kept. That one does not is a security event, since it may not come from the provider.
 *
 * @module
 */
import { GatewayError } from "../../errors/gateway_error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { fingerprint, type Token, type TokenSource } from "../token.ts";
import { quoteProvider } from "../provider_text.ts";
import { NO_JWT, TokenFault } from "./token_fault.ts";
import type { TokenValidator } from "./token_validator.ts";

/** Longest value of a claim that the security log repeats. */
const MAX_QUOTED_CLAIM = 200;

const OPAQUE_REMEDY = [
  "Have the provider issue JWT access tokens for this API, or remove JWTPublicKey, JWKSUri and " +
  "EnableJWTValidation of this server: then only the store checks its tokens",
];

/** What a validated source works with. */
export interface ValidatedTokenSourceOptions {
  /** Name of the configured server. */
  readonly server: string;
  /** Gets tokens. */
  readonly source: TokenSource;
  readonly validator: TokenValidator;
  /** Takes security events. */
  readonly security: Logger;
}

/** Gets tokens that have passed validation. */
export class ValidatedTokenSource implements TokenSource {
  readonly fingerprint: string;
  readonly #options: ValidatedTokenSourceOptions;
  /** The last token of the cache that did not pass. */
  #refusedValue: string | undefined;

  /** @param options What it works with. */
  constructor(options: ValidatedTokenSourceOptions) {
    this.#options = options;
    const { source, validator } = options;
    // Tokens cached under other rules, or unchecked, are not found under this key.
    this.fingerprint = fingerprint([source.fingerprint, validator.fingerprint]);
  }

  /** The token endpoint or metadata service. */
  get endpoint(): string {
    return this.#options.source.endpoint;
  }

  /**
   * Asks for a new token, once, and checks it. Keys come first: without them no token is asked for.
   *
   * @throws {GatewayError} TOK-004 for a token that does not pass, or where there are no keys to check it
   * with; what the source throws.
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
   * Checks a token of the cache again. It has passed when it was stored, and the cache's encryption
   * vouches for that; but its key may have been withdrawn since. Where no keys can be had it will do:
   * a cache is there for the time when the provider is away.
   *
   * @returns Whether it may be used.
   */
  async accepts(stored: Token, signal: AbortSignal): Promise<boolean> {
    const { source, validator } = this.#options;
    // Who waits for another's token finds the old one again and again.
    if (stored.value === this.#refusedValue) return false;
    try {
      await validator.validate(stored.value, signal);
    } catch (error) {
      if (error instanceof TokenFault) {
        this.#refusedValue = stored.value;
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
      ...(claim !== undefined && { claim, found: quoteClaim(found) }),
    });
  }
}

function quoteClaim(value: unknown): string {
  return quoteProvider(JSON.stringify(value) ?? "", MAX_QUOTED_CLAIM, []);
}
