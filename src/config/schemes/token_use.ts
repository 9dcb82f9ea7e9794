/**
 * The keys of all schemes with tokens: renewal and validation.
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

export const tokenKeys = { TokenRefreshBufferSeconds: refreshBufferKey, ...validationKeys };

/** Renewal and validation of tokens. */
export interface TokenUse {
  readonly refreshBufferMs: number;
  /** `undefined`: tokens are not validated. */
  readonly tokenValidation?: TokenValidationConfig | undefined;
}

export function tokenUseOf(keys: z.output<z.ZodObject<typeof tokenKeys>> & ProviderKeys): TokenUse {
  return {
    refreshBufferMs: keys.TokenRefreshBufferSeconds,
    tokenValidation: validationOf(keys),
  };
}
