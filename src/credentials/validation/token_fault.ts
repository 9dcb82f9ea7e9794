/**
 * Explains why a token is invalid. The explanation contains nothing of the token but the names of
 * its algorithm and of a claim.
 */
import { errors } from "jose";
import { quoteProvider } from "../provider_text.ts";

const MAX_QUOTED_ALGORITHM = 20;

/** A token is invalid. */
export class TokenFault extends Error {
  override readonly name = "TokenFault";
  /** The claim at fault, if any; the signature is then valid. */
  readonly claim: string | undefined;
  /** The value of that claim. */
  readonly found: unknown;

  /** @param reason The end of a sentence about the token. */
  constructor(reason: string, claim?: string, found?: unknown) {
    super(reason);
    this.claim = claim;
    this.found = found;
  }
}

export const NO_JWT = "it is not a signed JWT: opaque and encrypted tokens cannot be checked";

/** @param algorithm From the token's header, not verified. */
export function algorithmFault(algorithm: unknown, allowed: readonly string[]): TokenFault {
  const named = typeof algorithm === "string"
    ? quoteProvider(algorithm, MAX_QUOTED_ALGORITHM, [])
    : "none";
  return new TokenFault(
    `its algorithm ${named} is not among those accepted (${allowed.join(", ")})`,
  );
}

export function tokenFault(error: unknown): TokenFault {
  if (error instanceof TokenFault) return error;
  if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
    const { claim, payload } = error;
    return new TokenFault(claimFault(error), claim, payload[claim]);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new TokenFault("its signature does not match the issuer's key");
  }
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return new TokenFault(NO_JWT);
  }
  return new TokenFault("it has an unsupported form");
}

function claimFault(error: errors.JWTExpired | errors.JWTClaimValidationFailed): string {
  const { claim, reason } = error;
  if (reason === "missing") return `its claim ${claim} is missing`;
  if (error instanceof errors.JWTExpired) return "it has expired (exp)";
  if (claim === "nbf") return "it is not valid yet (nbf)";
  return `its claim ${claim} does not have the expected value`;
}
