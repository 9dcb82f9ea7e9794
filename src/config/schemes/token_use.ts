/**
 * The keys of every scheme that uses tokens: when they are renewed and how they are validated.
 *
 * @module
 */
import type { z } from "zod";
import { whole } from "../values/value_schemas.ts";
import {
  type ProviderKeys,
  type TokenValidationConfig,
  validationKeys,
  validationOf,
} from "./token_validation.ts";

/** `TokenRefreshBufferSeconds`; parses to milliseconds. */
export const refreshBufferKey = whole(0, 3_600).transform((seconds) => seconds * 1_000).prefault(
  300,
).describe("How long before its expiry a token is renewed in the background");

/** Keys of every scheme that uses tokens. */
export const tokenKeys = { TokenRefreshBufferSeconds: refreshBufferKey, ...validationKeys };

/** When tokens are renewed and how they are validated. */
export interface TokenUse {
  /** How long before its expiry a token is renewed. */
  readonly refreshBufferMs: number;
  /** How tokens are validated before they are used; `undefined`: they are not. */
  readonly tokenValidation?: TokenValidationConfig | undefined;
}

/** The rules of renewal and validation. */
export function tokenUseOf(keys: z.output<z.ZodObject<typeof tokenKeys>> & ProviderKeys): TokenUse {
  return {
    refreshBufferMs: keys.TokenRefreshBufferSeconds,
    tokenValidation: validationOf(keys),
  };
}
