/**
 * Validates JWT access tokens (RFC 7519, RFC 8725): signature by a trusted key, algorithm, issuer,
 * audience and time. Rejects HMAC before selecting a key, so that a public key never serves as an
 * HMAC secret.
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

/** Allowed clock difference, for `exp` and `nbf`. */
export const CLOCK_TOLERANCE_SECONDS = 60;

export interface TokenValidatorOptions {
  readonly rules: TokenValidationConfig;
  readonly keys: KeySet;
  readonly clock: Pick<Clock, "now">;
}

export class TokenValidator {
  readonly #options: TokenValidatorOptions;
  readonly #algorithms: readonly string[];

  constructor(options: TokenValidatorOptions) {
    this.#options = options;
    const { algorithms } = options.rules;
    // RFC 9864: EdDSA with Ed25519 has a name of its own.
    this.#algorithms = algorithms.flatMap((name) => name === "EdDSA" ? [name, "Ed25519"] : [name]);
  }

  /** Identifies the rules: tokens validated by other rules must not be found in the cache. */
  get fingerprint(): string {
    return JSON.stringify(this.#options.rules);
  }

  /** @throws {GatewayError} If there are no keys. */
  async prepare(signal: AbortSignal): Promise<void> {
    await this.#options.keys.load(signal);
  }

  /**
   * @throws {TokenFault} If the token is invalid.
   * @throws {GatewayError} If there are no keys.
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
    let fault: TokenFault | undefined;
    for (const key of keys) {
      try {
        return (await jwtVerify(token, key, this.#verification())).payload;
      } catch (error) {
        const found = tokenFault(error);
        // The signature is valid: no other key would change that.
        if (found.claim !== undefined) throw found;
        const isMismatch = error instanceof errors.JWSSignatureVerificationFailed;
        // Others mean that this key is unusable, such as a short one: the next may be the right one.
        if (fault === undefined || isMismatch) fault = found;
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
  // Five parts: an encrypted token (RFC 7516, section 3.1).
  if (token.split(".").length !== 3) throw new TokenFault(NO_JWT);
  try {
    return decodeProtectedHeader(token);
  } catch {
    throw new TokenFault(NO_JWT);
  }
}
