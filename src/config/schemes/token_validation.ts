/**
 * The keys of all schemes with tokens: renewal, and validation before use. The `JWT…` keys have the
 * plugin's names and meaning; signing keys can also come from a URL or the provider's metadata.
 */
import { z } from "zod";
import { isPlaintext } from "../values/host_names.ts";
import type { Complain } from "../values/keys_of.ts";
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from "../values/signing_key.ts";
import { flag, httpUrl, isHttpUrl, text, whole } from "../values/value_schemas.ts";
import { type PublicJwk, readVerificationKey } from "../values/verification_key.ts";
import { entraAudience, type EntraKeys, entraTokens, tenantFault } from "./azure/entra.ts";
import { type DiscoveryConfig, discoveryOf, endpointUrls } from "./oauth2/discovery.ts";
import type { Reach, Warning } from "./scheme.ts";

/** Renewal and validation of tokens. */
export interface TokenUse {
  /** How long before its expiry a token is renewed. */
  readonly refreshBufferMs: number;
  /** `undefined`: tokens are not validated. */
  readonly tokenValidation?: TokenValidationConfig | undefined;
}

/** How tokens are validated before they are used. */
export interface TokenValidationConfig {
  readonly keys: VerificationKeys;
  /** The required `aud` claim; `undefined`: any. */
  readonly audience: string | undefined;
  /** Accepted `iss` claims; empty: any. */
  readonly issuers: readonly string[];
  /** Accepted signature algorithms, without `none` and HMAC. Never empty. */
  readonly algorithms: readonly SigningAlgorithm[];
}

/** Where the signing keys of tokens come from. */
export type VerificationKeys =
  /** One key, from the configuration. */
  | { readonly from: "configuration"; readonly publicJwk: PublicJwk }
  | FetchedKeys;

type FetchedKeys =
  /** A JWK Set at a URL (RFC 7517, section 5). */
  | { readonly from: "url"; readonly url: string }
  /** The JWK Set of the provider's metadata. */
  | { readonly from: "discovery"; readonly discovery: DiscoveryConfig };

export const DEFAULT_REFRESH_BUFFER_SECONDS = 300;

/** `TokenRefreshBufferSeconds`; parses to milliseconds. */
export const refreshBufferKey = whole(0, 3_600).transform((seconds) => seconds * 1_000).prefault(
  DEFAULT_REFRESH_BUFFER_SECONDS,
).describe("How long before its expiry a token is renewed in the background");

export const tokenKeys = {
  TokenRefreshBufferSeconds: refreshBufferKey,
  JWTPublicKey: text().transform((value, context) => {
    const { key, fault } = readVerificationKey(value);
    if (key !== undefined) return key;
    context.addIssue({ code: "custom", message: fault });
    return z.NEVER;
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
    "`aud` claim that tokens must have. Default for Azure: the scope without `/.default`",
  ),
  JWTIssuer: text().optional().describe(
    "`iss` claim that tokens must have. `Issuer`, or for Azure the tenant's issuers, unless given",
  ),
  JWTAlgorithms: z.array(z.enum(SIGNING_ALGORITHMS)).min(1).optional().describe(
    "Accepted signature algorithms; never `none` or HMAC. Default: `RS256`, or with " +
      "`JWTPublicKey` the usual one of its kind of key",
  ),
  DisableJWTValidation: flag().default(false).describe(
    "Disable token validation, regardless of the other keys",
  ),
};

type TokenKeys = z.output<z.ZodObject<typeof tokenKeys>> & ProviderKeys;

/** The keys of a scheme that determine where its tokens come from. */
interface ProviderKeys extends EntraKeys {
  readonly Issuer?: string | undefined;
  readonly AllowedHosts?: readonly string[] | undefined;
}

/** The keys that have no effect without validation. */
const DETAILS = ["JWTAudience", "JWTIssuer", "JWTAlgorithms"] as const;

export const validationRules = [tenantRule, keySourceRule, validationRule] as const;

function tenantRule({ JWTIssuer: issuer = "" }: TokenKeys, complain: Complain): void {
  const fault = tenantFault(issuer);
  if (fault !== undefined) complain("JWTIssuer", fault);
}

function keySourceRule(keys: TokenKeys, complain: Complain): void {
  if (keys.JWTPublicKey !== undefined && keys.JWKSUri !== undefined) {
    complain("JWKSUri", "conflicts with JWTPublicKey; remove one of the two");
  }
  if (keys.EnableJWTValidation && keys.DisableJWTValidation) {
    const contrary = "conflicts with DisableJWTValidation; remove one of the two";
    complain("EnableJWTValidation", contrary);
  }
}

function validationRule(keys: TokenKeys, complain: Complain): void {
  if (!isOn(keys) || keys.DisableJWTValidation) return;
  const { JWTPublicKey: publicKey, JWTAlgorithms: algorithms } = keys;
  if (publicKey !== undefined) {
    const fitting = publicKey.algorithms;
    if (algorithms && !fitting.some((algorithm) => algorithms.includes(algorithm))) {
      const what = `names no algorithm of the key in JWTPublicKey: ${fitting.join(", ")}`;
      complain("JWTAlgorithms", what);
    }
    return;
  }
  const source = fetchedKeys(keys);
  if (source === undefined) {
    const need = "EnableJWTValidation needs Issuer, JWTIssuer or JWKSUri to find the keys, " +
      "Issuer and JWTIssuer as a URL";
    return complain("EnableJWTValidation", need, "CFG-001");
  }
  const isTenants = keys.JWKSUri === undefined && source.from === "url";
  // All tenants share the keys: without an issuer, tokens of any tenant would be valid.
  if (isTenants && issuersOf(keys).length === 0) {
    const need = "EnableJWTValidation needs TenantId to be the tenant's GUID, or JWTIssuer";
    complain("JWTIssuer", need);
  }
  if (isPlaintext(source.from === "url" ? source.url : source.discovery.url)) {
    const at = keys.JWKSUri !== undefined
      ? "JWKSUri"
      : keys.Issuer !== undefined
      ? "Issuer"
      : "JWTIssuer";
    complain(at, "must start with https:// if the signing keys come from it");
  }
}

export function validationWarnings(keys: TokenKeys): Warning[] {
  if (!isOn(keys)) {
    const message = "has no effect without JWTPublicKey, JWKSUri or EnableJWTValidation";
    return DETAILS.filter((key) => keys[key] !== undefined).map((key) => ({ key, message }));
  }
  if (keys.DisableJWTValidation) {
    const message = "tokens are used without validation although a key is configured";
    return [{ key: "DisableJWTValidation", message }];
  }
  if (audienceOf(keys) !== undefined) return [];
  const message = "is not set: tokens for any audience are accepted; set the store's";
  return [{ key: "JWTAudience", message }];
}

export function tokenUseOf(keys: TokenKeys): TokenUse {
  return { refreshBufferMs: keys.TokenRefreshBufferSeconds, tokenValidation: validationOf(keys) };
}

function validationOf(keys: TokenKeys): TokenValidationConfig | undefined {
  if (!isOn(keys) || keys.DisableJWTValidation) return undefined;
  const { JWTPublicKey: key } = keys;
  const source: VerificationKeys | undefined = key === undefined
    ? fetchedKeys(keys)
    : { from: "configuration", publicJwk: key.publicJwk };
  return source && {
    keys: source,
    audience: audienceOf(keys),
    issuers: issuersOf(keys),
    algorithms: keys.JWTAlgorithms ?? [key?.algorithms[0] ?? "RS256"],
  };
}

/** The URLs that keys may be fetched from. */
export function keysReach(
  validation: TokenValidationConfig | undefined,
): Pick<Reach, "urls" | "possibleUrls"> {
  switch (validation?.keys.from) {
    case undefined:
    case "configuration":
      return { urls: [], possibleUrls: [] };
    case "url":
      return { urls: [validation.keys.url], possibleUrls: [] };
    case "discovery":
      return endpointUrls(validation.keys.discovery);
  }
}

function isOn(keys: TokenKeys): boolean {
  return keys.JWTPublicKey !== undefined || keys.JWKSUri !== undefined || keys.EnableJWTValidation;
}

function fetchedKeys(keys: TokenKeys): FetchedKeys | undefined {
  if (keys.JWKSUri !== undefined) return { from: "url", url: keys.JWKSUri };
  const { Issuer: issuer, JWTIssuer: jwtIssuer, AllowedHosts: hosts } = keys;
  const tenant = issuer === undefined ? entraTokens(keys) : undefined;
  if (tenant !== undefined) return { from: "url", url: tenant.keysUrl };
  const url = issuer ?? jwtIssuer ?? "";
  if (!isHttpUrl(url)) return undefined;
  const allowed = issuer === undefined ? undefined : hosts;
  return { from: "discovery", discovery: discoveryOf("issuer", url, allowed) };
}

function audienceOf(keys: TokenKeys): string | undefined {
  return keys.JWTAudience ?? entraAudience(keys);
}

function issuersOf(keys: TokenKeys): readonly string[] {
  const one = keys.JWTIssuer ?? keys.Issuer;
  return one === undefined ? entraTokens(keys)?.issuers ?? [] : [one];
}
