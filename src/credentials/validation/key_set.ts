/**
 * Selects the keys that may verify a token. `jwks_cache.ts` fetches key sets.
 */
import { createLocalJWKSet, errors, type JWK, type JWSHeaderParameters } from "jose";
import { isObject } from "../../config/values/keys_of.ts";
import type { PublicJwk } from "../../config/values/verification_key.ts";

export interface KeySet {
  /**
   * Makes sure that there are keys: a token that cannot be validated should not be requested.
   *
   * @throws {GatewayError} Without keys.
   */
  load(signal: AbortSignal): Promise<void>;
  /**
   * @param header A token's header; its algorithm must be checked before.
   * @returns The keys that may verify the token, possibly none.
   * @throws {GatewayError} Without keys.
   */
  find(header: JWSHeaderParameters, signal: AbortSignal): Promise<readonly CryptoKey[]>;
}

/** The key in the configuration. */
export class ConfiguredKeySet implements KeySet {
  readonly #select: SelectKeys;

  constructor(publicJwk: PublicJwk) {
    this.#select = selectKeys({ keys: [{ ...publicJwk } as JWK] });
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  /** @returns The key if its type suits the algorithm, whatever the `kid` of the token. */
  find({ kid: _, ...header }: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    return this.#select(header);
  }
}

export type SelectKeys = (header: JWSHeaderParameters) => Promise<readonly CryptoKey[]>;

/**
 * Selects keys of a JWK Set (RFC 7517, section 5) by algorithm and, if the token has one, `kid`.
 * Ignores keys that cannot verify signatures, and members that are no keys, as the RFC advises.
 *
 * @throws {errors.JWKSInvalid} If it is no JWK Set.
 */
export function selectKeys(jwks: unknown): SelectKeys {
  const keys = isObject(jwks) ? jwks["keys"] : undefined;
  if (!Array.isArray(keys)) throw new errors.JWKSInvalid("JSON Web Key Set malformed");
  // With one that is no object, jose rejects the whole set.
  const select = createLocalJWKSet({ keys: keys.filter(isObject) as JWK[] });
  return async (header) => {
    try {
      return [await select(header)];
    } catch (error) {
      // A token without `kid`: any of these may match.
      if (error instanceof errors.JWKSMultipleMatchingKeys) return await Array.fromAsync(error);
      // No key matches, or the matching key is damaged.
      return [];
    }
  };
}
