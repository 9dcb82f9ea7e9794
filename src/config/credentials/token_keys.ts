/**
 * The keys that every way of signing with tokens has: when tokens are renewed and how they are
 * checked. The `JWT…` keys have the plugin's names and meaning.
 *
 * @module
 */
import { z } from "zod";
import type { TokenRefreshConfig } from "../gateway_config.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import { flag, text, whole } from "../value_schemas.ts";

/** Signatures by a key pair: with HMAC, whoever knows the public key could sign. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

const NOT_YET = "Read and checked, but not applied by this version";

/** Keys of every way of signing that uses tokens. */
export const tokenKeys = {
  TokenRefreshBufferSeconds: whole(0, 3_600).default(300).describe(
    "How long before its expiry a token is renewed in the background",
  ),
  JWTPublicKey: z.string().regex(
    /^\s*-----BEGIN (?:PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----/,
    "must be a PEM public key (BEGIN PUBLIC KEY), or ${file:PATH} of one",
  ).optional().describe(`PEM key that tokens must be signed with. ${NOT_YET}`),
  JWTAudience: text().optional().describe(`\`aud\` claim that tokens must have. ${NOT_YET}`),
  JWTIssuer: text().optional().describe(`\`iss\` claim that tokens must have. ${NOT_YET}`),
  JWTAlgorithms: z.array(z.enum(ALGORITHMS)).min(1).default(["RS256"]).describe(
    `Signature algorithms accepted; \`none\` and HMAC never are. ${NOT_YET}`,
  ),
  DisableJWTValidation: flag().default(false).describe(`Check no tokens. ${NOT_YET}`),
};

/**
 * Says which of the keys have no effect yet.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkTokenKeys(raw: RawKeys, { path, report }: ReadContext): void {
  for (const key of ["JWTPublicKey", "JWTAudience", "JWTIssuer", "JWTAlgorithms"]) {
    if (raw[key] !== undefined) {
      report.warn([...path, key], "this version does not validate the tokens it acquires");
    }
  }
}

/**
 * Makes the rules of renewal and validation.
 *
 * @param keys The keys, checked.
 * @param tenantId The Entra tenant, where there is one.
 * @returns When tokens are renewed and how they are checked.
 */
export function buildTokenRules(
  keys: z.output<z.ZodObject<typeof tokenKeys>>,
  tenantId: string | undefined,
): TokenRefreshConfig {
  return {
    refreshBufferMs: keys.TokenRefreshBufferSeconds * 1_000,
    tokenValidation: {
      disabled: keys.DisableJWTValidation,
      publicKeyPem: keys.JWTPublicKey,
      audience: keys.JWTAudience,
      issuer: keys.JWTIssuer,
      algorithms: keys.JWTAlgorithms,
      tenantId,
    },
  };
}
