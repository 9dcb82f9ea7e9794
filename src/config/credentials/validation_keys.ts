/**
 * The keys by which tokens are checked before they are used. The `JWT…` keys have the plugin's names
 * and meaning; where the keys of the signature come from can also be a URL or the provider's metadata.
 *
 * @module
 */
import { z } from "zod";
import { SIGNING_ALGORITHMS } from "../client_authentication_config.ts";
import { isLoopback } from "../host_names.ts";
import type { RawKeys, ReadContext } from "../read_context.ts";
import type { TokenValidationConfig, VerificationKeys } from "../token_validation_config.ts";
import { flag, httpUrl, text } from "../value_schemas.ts";
import { readVerificationKey } from "../verification_key.ts";
import { buildDiscovery } from "./discovery_keys.ts";
import { entraAudience, entraTokens } from "./entra_tokens.ts";

/** Keys of every way of signing whose tokens may be JWTs. */
export const validationKeys = {
  JWTPublicKey: text().superRefine((value, context) => {
    const { fault } = readVerificationKey(value);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  }).optional().describe(
    "Check that tokens are JWTs signed with this key before they are used: PEM public key, " +
      "certificate or JWK, better `${file:PATH}` than the key itself",
  ),
  JWKSUri: httpUrl({ query: true }).optional().describe(
    "The same with the keys of a JWK Set at this URL: for providers that change their key",
  ),
  EnableJWTValidation: flag().default(false).describe(
    "The same with the keys that the provider's metadata names (`Issuer`, else `JWTIssuer`), or for " +
      "Azure those of the tenant",
  ),
  JWTAudience: text().optional().describe(
    "`aud` claim that tokens must have. For Azure the scope without `/.default` unless given",
  ),
  JWTIssuer: text().optional().describe(
    "`iss` claim that tokens must have. `Issuer`, or for Azure the tenant's issuers, unless given",
  ),
  JWTAlgorithms: z.array(z.enum(SIGNING_ALGORITHMS)).min(1).optional().describe(
    "Signature algorithms accepted; `none` and HMAC never are. `RS256` unless given, or with " +
      "`JWTPublicKey` the usual one of its kind of key",
  ),
  DisableJWTValidation: flag().default(false).describe(
    "Check no tokens, whatever the other keys say",
  ),
};

/** The keys that mean nothing where tokens are not checked. */
const DETAILS = ["JWTAudience", "JWTIssuer", "JWTAlgorithms"] as const;

/**
 * Checks what the keys mean together.
 *
 * @param raw The server's object as written.
 * @param context Where it stands.
 */
export function checkValidation(raw: RawKeys, context: ReadContext): void {
  const { path, report } = context;
  const { JWTPublicKey: publicKey, JWKSUri: uri } = raw;
  const isEnabled = isTrue(raw["EnableJWTValidation"]);
  const isOn = publicKey !== undefined || uri !== undefined || isEnabled;
  if (publicKey !== undefined && uri !== undefined) {
    report.add(
      "CFG-002",
      [...path, "JWKSUri"],
      "stands beside JWTPublicKey; remove one of the two",
    );
  }
  if (isOn && isTrue(raw["DisableJWTValidation"])) {
    if (isEnabled) {
      const contrary = "stands beside DisableJWTValidation; remove one of the two";
      report.add("CFG-002", [...path, "EnableJWTValidation"], contrary);
    } else {
      const what = "tokens are used unchecked, although a key to check them with is given";
      report.warn([...path, "DisableJWTValidation"], what);
    }
    return;
  }
  if (!isOn) {
    for (const key of DETAILS.filter((key) => raw[key] !== undefined)) {
      const what = "means nothing without JWTPublicKey, JWKSUri or EnableJWTValidation";
      report.warn([...path, key], what);
    }
    return;
  }
  checkKeys(raw, context);
  if (audienceOf(raw) === undefined) {
    const what = "is not set: tokens for any audience pass; set that of the store";
    report.warn([...path, "JWTAudience"], what);
  }
}

/**
 * Makes the rules by which tokens are checked.
 *
 * @param keys The server's keys, checked.
 * @returns The rules; nothing where tokens are not checked.
 */
export function buildValidation(
  keys: z.output<z.ZodObject<typeof validationKeys>>,
): TokenValidationConfig | undefined {
  if (keys.DisableJWTValidation) return undefined;
  const { key } = keys.JWTPublicKey === undefined ? {} : readVerificationKey(keys.JWTPublicKey);
  const source: VerificationKeys | undefined = key === undefined
    ? keySource(keys)
    : { from: "configuration", publicJwk: key.publicJwk };
  if (source === undefined) return undefined;
  return {
    keys: source,
    audience: audienceOf(keys),
    issuers: issuersOf(keys),
    algorithms: keys.JWTAlgorithms ?? [key?.algorithms[0] ?? "RS256"],
  };
}

function checkKeys(raw: RawKeys, { path, report }: ReadContext): void {
  const { JWTPublicKey: publicKey, JWKSUri: uri, JWTAlgorithms: algorithms } = raw;
  if (publicKey !== undefined) {
    const { key } = readVerificationKey(String(publicKey));
    const fitting = key?.algorithms ?? [];
    if (
      key !== undefined && Array.isArray(algorithms) &&
      !fitting.some((algorithm) => algorithms.includes(algorithm))
    ) {
      const what = `names no algorithm of the key in JWTPublicKey: ${fitting.join(", ")}`;
      report.add("CFG-002", [...path, "JWTAlgorithms"], what);
    }
    return;
  }
  const source = keySource(raw);
  if (source === undefined) {
    const need = "EnableJWTValidation needs Issuer, JWTIssuer or JWKSUri to find the keys by, " +
      "Issuer and JWTIssuer as a URL";
    report.add("CFG-001", [...path, "EnableJWTValidation"], need);
    return;
  }
  const isTenants = uri === undefined && source.from === "url";
  // All tenants share the keys: without an issuer a token of any tenant would pass.
  if (isTenants && issuersOf(raw).length === 0) {
    const need = "EnableJWTValidation needs TenantId to be the tenant's GUID, or JWTIssuer";
    report.add("CFG-001", [...path, "JWTIssuer"], need);
  }
  const at = uri !== undefined ? "JWKSUri" : raw["Issuer"] !== undefined ? "Issuer" : "JWTIssuer";
  if (!isSecure(source)) {
    const what = "must start with https:// where the keys of tokens are learnt from it";
    report.add("CFG-002", [...path, at], what);
  }
}

/** Where keys are fetched from, where that is known. */
function keySource(raw: RawKeys): Exclude<VerificationKeys, { from: "configuration" }> | undefined {
  const { JWKSUri: uri, Issuer: issuer, JWTIssuer: jwtIssuer, AllowedHosts: hosts } = raw;
  if (typeof uri === "string") return { from: "url", url: uri };
  if (!isTrue(raw["EnableJWTValidation"])) return undefined;
  const tenant = issuer === undefined ? entraTokens(raw) : undefined;
  if (tenant !== undefined) return { from: "url", url: tenant.keysUrl };
  const url = issuer ?? jwtIssuer;
  if (!httpUrl().safeParse(url).success) return undefined;
  const allowed = issuer !== undefined && Array.isArray(hosts) ? hosts.map(String) : [];
  return { from: "discovery", discovery: buildDiscovery("issuer", String(url), allowed) };
}

function audienceOf(raw: RawKeys): string | undefined {
  const { JWTAudience: given } = raw;
  return given === undefined ? entraAudience(raw) : String(given);
}

function issuersOf(raw: RawKeys): readonly string[] {
  const { JWTIssuer: given, Issuer: issuer } = raw;
  const one = given ?? issuer;
  return one === undefined ? entraTokens(raw)?.issuers ?? [] : [String(one)];
}

function isSecure(source: Exclude<VerificationKeys, { from: "configuration" }>): boolean {
  const url = URL.parse(source.from === "url" ? source.url : source.discovery.url);
  return url === null || url.protocol === "https:" || isLoopback(url.hostname);
}

function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}
