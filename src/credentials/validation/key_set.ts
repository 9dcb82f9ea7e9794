/**
 * Keys that tokens may be signed with, and which of them fits a token: one that the configuration
 * holds. Keys that are fetched are in `jwks_cache.ts`.
 *
 * @module
 */
import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWSHeaderParameters,
} from "jose";
import type { PublicJwk } from "../../config/values/verification_key.ts";

/** Keys that tokens may be signed with. */
export interface KeySet {
  /**
   * Sees to it that there are keys, so that no token is asked for that could not be checked.
   *
   * @throws {GatewayError} When there are none.
   */
  load(signal: AbortSignal): Promise<void>;
  /**
   * Finds the keys that a token may be signed with.
   *
   * @param header The token's header, its algorithm found to be allowed.
   * @returns The keys; none where none fits.
   * @throws {GatewayError} When there are no keys to look among.
   */
  find(header: JWSHeaderParameters, signal: AbortSignal): Promise<readonly CryptoKey[]>;
}

/** The one key that the configuration holds. */
export class ConfiguredKeySet implements KeySet {
  readonly #jwks: JSONWebKeySet;
  readonly #select: SelectKeys;

  /** @param publicJwk The key. */
  constructor(publicJwk: PublicJwk) {
    this.#jwks = { keys: [{ ...publicJwk } as JWK] };
    this.#select = selectKeys(this.#jwks);
  }

  /** Does nothing: the key is here. */
  load(): Promise<void> {
    return Promise.resolve();
  }

  /** @returns The key, if it is of the kind that the algorithm needs, whatever `kid` the token names. */
  find({ kid: _, ...header }: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    return this.#select(header);
  }
}

/** Finds the keys of a set that a token may be signed with. */
export type SelectKeys = (header: JWSHeaderParameters) => Promise<readonly CryptoKey[]>;

/**
 * Makes a JWK Set searchable (RFC 7517, section 5). What in it cannot verify signatures is passed over.
 *
 * @returns A function that finds keys by `kid`, where a token names one, and by algorithm.
 * @throws {errors.JWKSInvalid} Where it is no JWK Set.
 */
export function selectKeys(jwks: JSONWebKeySet): SelectKeys {
  const select = createLocalJWKSet(jwks);
  return async (header) => {
    try {
      return [await select(header)];
    } catch (error) {
      // A token without `kid`: any of these may be it.
      if (error instanceof errors.JWKSMultipleMatchingKeys) return await Array.fromAsync(error);
      // None fits, or the one that does is damaged.
      return [];
    }
  };
}
