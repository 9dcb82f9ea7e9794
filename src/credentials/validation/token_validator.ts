/**
 * Checks access tokens that are JWTs before they are used (RFC 7519, RFC 8725): signature by a key that
 * is trusted, algorithm, issuer, audience and time. HMAC is refused before any key is looked at, so
 * that a public key is never taken for a secret one.
 *
 * @module
 */
import {
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
  type ProtectedHeaderParameters,
} from "jose";
import type { TokenValidationConfig } from "../../config/schemes/token_validation.ts";
import type { Clock } from "../../network/clock.ts";
import type { KeySet } from "./key_set.ts";
import { algorithmFault, NO_JWT, TokenFault, tokenFault } from "./token_fault.ts";

/** How far the provider's clock may be off, for `exp` and `nbf`. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/** What validation works with. */
export interface TokenValidatorOptions {
  readonly rules: TokenValidationConfig;
  readonly keys: KeySet;
  readonly clock: Pick<Clock, "now">;
}

/** Checks the tokens of one provider. */
export class TokenValidator {
  readonly #options: TokenValidatorOptions;
  readonly #algorithms: readonly string[];

  /** @param options What it works with. */
  constructor(options: TokenValidatorOptions) {
    this.#options = options;
    const { algorithms } = options.rules;
    // RFC 9864 gives EdDSA with Ed25519 a name of its own.
    this.#algorithms = algorithms.flatMap((name) => name === "EdDSA" ? [name, "Ed25519"] : [name]);
  }

  /** The rules, as part of what makes a token what it is: others, and it is another token. */
  get fingerprint(): string {
    return JSON.stringify(this.#options.rules);
  }

  /**
   * Sees to it that there are keys.
   *
   * @throws {GatewayError} When there are none.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    await this.#options.keys.load(signal);
  }

  /**
   * Checks a token.
   *
   * @param token What is to be a JWT.
   * @throws {TokenFault} When it does not pass.
   * @throws {GatewayError} When there are no keys to check it with.
   */
  async validate(token: string, signal: AbortSignal): Promise<JWTPayload> {
    const header = headerOf(token);
    const { alg } = header;
    if (alg === undefined || !this.#algorithms.includes(alg)) {
      throw algorithmFault(alg, this.#algorithms);
    }
    const keys = await this.#options.keys.find({ ...header, alg }, signal);
    if (keys.length === 0) {
      throw new TokenFault("no key of its issuer matches its header (alg, kid)");
    }
    let fault = new TokenFault("");
    for (const key of keys) {
      try {
        return (await jwtVerify(token, key, this.#verification())).payload;
      } catch (error) {
        fault = tokenFault(error);
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    throw fault;
  }

  #verification(): JWTVerifyOptions {
    const { rules: { issuers, audience }, clock } = this.#options;
    return {
      algorithms: [...this.#algorithms],
      ...(issuers.length > 0 && { issuer: [...issuers] }),
      ...(audience !== undefined && { audience }),
      requiredClaims: ["exp"],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(clock.now()),
    };
  }
}

function headerOf(token: string): ProtectedHeaderParameters {
  // Two dots: with four it would be encrypted (RFC 7516, section 3.1).
  if (token.split(".").length !== 3) throw new TokenFault(NO_JWT);
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new TokenFault(NO_JWT);
  }
}
