/**
 * The keys that every way of signing with tokens has: when tokens are renewed and how they are
 * checked.
 *
 * @module
 */
import type { z } from "zod";
import type { TokenRefreshConfig } from "../gateway_config.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { whole } from "../value_schemas.ts";
import { buildValidation, checkValidation, validationKeys } from "./validation_keys.ts";

/** Keys of every way of signing that uses tokens. */
export const tokenKeys = {
  TokenRefreshBufferSeconds: whole(0, 3_600).default(300).describe(
    "How long before its expiry a token is renewed in the background",
  ),
  ...validationKeys,
};

/**
 * Checks what the keys mean together.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkTokenKeys(raw: RawKeys, context: ReadContext): void {
  checkValidation(raw, context);
}

/**
 * Makes the rules of renewal and validation.
 *
 * @param keys The keys, checked.
 * @returns When tokens are renewed and how they are checked.
 */
export function buildTokenRules(
  keys: z.output<z.ZodObject<typeof tokenKeys>>,
): TokenRefreshConfig {
  return {
    refreshBufferMs: keys.TokenRefreshBufferSeconds * 1_000,
    tokenValidation: buildValidation(keys),
  };
}
