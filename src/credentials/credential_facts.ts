/**
 * Facts about a credential for diagnosis: issuer, audience, scope and expiry of a token, identifier
 * of an AWS key. Never the credential itself, and no claim that may be about a person.
 */
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Authorization, CredentialStatus } from "./authorizer.ts";
import { jwtScopes } from "./oauth2/granted_scopes.ts";

/** Claims about the client and the token, not about a person (RFC 9068, Entra ID, Keycloak, Okta, Auth0). */
const IMPERSONAL: ReadonlySet<string> = new Set([
  "iss",
  "aud",
  "exp",
  "iat",
  "nbf",
  "scope",
  "scp",
  "roles",
  "client_id",
  "azp",
  "azpacr",
  "appid",
  "appidacr",
  "cid",
  "tid",
  "idtyp",
  "gty",
  "ver",
  "typ",
  "token_use",
  "region",
]);

export interface CredentialFacts {
  /** The credential scheme, as in the configuration. */
  readonly kind: string;
  readonly endpoint: string | null;
  readonly form: "jwt" | "opaque" | "aws" | "none";
  /** Characters of the `Authorization` header, which servers limit. */
  readonly length: number;
  /** Such as `Bearer` or `AWS4-HMAC-SHA256`. */
  readonly scheme: string | null;
  readonly issuer: string | null;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly expiresAt: string | null;
  /** An AWS key identifier, which is no secret. */
  readonly accessKeyId: string | null;
  /** Signature algorithm of a JWT. */
  readonly algorithm: string | null;
  /** The impersonal claims of a JWT. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The names of its other claims. */
  readonly withheld: readonly string[];
}

/** Collects the facts about the credential in an authorization. */
export function credentialFacts(
  { headers }: Authorization,
  { kind, endpoint, expiresAtMs, scope }: CredentialStatus,
): CredentialFacts {
  const [scheme = "", value = ""] = (headers["authorization"] ?? "").split(" ");
  const facts = {
    kind,
    endpoint: endpoint ?? null,
    form: "none" as const,
    length: headers["authorization"]?.length ?? 0,
    scheme: scheme || null,
    issuer: null,
    audience: [],
    scopes: [],
    expiresAt: expiresAtMs === undefined ? null : new Date(expiresAtMs).toISOString(),
    accessKeyId: null,
    algorithm: null,
    claims: {},
    withheld: [],
  };
  if (scheme.startsWith("AWS4-")) {
    const accessKeyId = /Credential=([^/=]+)\//.exec(headers["authorization"]!)?.[1] ?? null;
    return { ...facts, form: "aws", accessKeyId };
  }
  if (!/^(Bearer|DPoP)$/i.test(scheme)) return facts;
  try {
    const claims: Record<string, unknown> = decodeJwt(value);
    const names = Object.keys(claims);
    return {
      ...facts,
      form: "jwt",
      algorithm: decodeProtectedHeader(value).alg ?? null,
      issuer: text(claims["iss"]),
      audience: list(claims["aud"]),
      scopes: jwtScopes(value) ?? [],
      expiresAt: facts.expiresAt ?? instant(claims["exp"]),
      claims: Object.fromEntries(
        Object.entries(claims).filter(([name]) => IMPERSONAL.has(name)),
      ),
      withheld: names.filter((name) => !IMPERSONAL.has(name)),
    };
  } catch {
    return { ...facts, form: "opaque", scopes: scope?.split(" ") ?? [] };
  }
}

function text(claim: unknown): string | null {
  return typeof claim === "string" ? claim : null;
}

function list(claim: unknown): string[] {
  const all: unknown[] = Array.isArray(claim) ? claim : [claim];
  return all.filter((each) => typeof each === "string");
}

function instant(claim: unknown): string | null {
  return typeof claim === "number" && Math.abs(claim) < 8.64e12
    ? new Date(claim * 1000).toISOString()
    : null;
}
