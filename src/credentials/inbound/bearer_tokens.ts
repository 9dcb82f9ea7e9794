/**
 * Verifies clients' bearer tokens (RFC 6750): from a configured issuer, for this gateway, with the
 * required scopes and one of the required roles. Only the keys of the issuer in the token count.
 */
import { decodeJwt, type JWTPayload } from "jose";
import type { IssuerConfig } from "../../config/inbound/issuers.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { quoteProvider } from "../provider_text.ts";
import { NO_JWT, TokenFault } from "../validation/token_fault.ts";
import { CLOCK_TOLERANCE_SECONDS, type TokenValidator } from "../validation/token_validator.ts";
import type { VerifiedCaller } from "./caller.ts";

/** A token is verified again after this time: its key may have been withdrawn. */
const MAX_VERIFIED_MS = 60_000;

/** OpenID Connect Core, section 2. */
const MAX_SUBJECT_LENGTH = 255;
const MAX_ROLES = 200;
/** Of issuers and audiences in the log. */
const MAX_QUOTED = 300;

export interface TrustedIssuer {
  readonly config: IssuerConfig;
  readonly validator: Pick<TokenValidator, "validate">;
}

export class BearerTokens {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>;
  readonly #now: () => number;

  /** @param now Wall clock, in milliseconds. */
  constructor(issuers: readonly TrustedIssuer[], now: () => number) {
    this.#issuers = new Map(
      issuers.flatMap((issuer) =>
        issuer.config.validation.issuers.map((name) => [name, issuer] as const)
      ),
    );
    this.#now = now;
  }

  /**
   * @throws {TokenFault} If the token is invalid.
   * @throws {GatewayError} AUTH-007 for a valid token without the scopes or a role required; AUTH-009
   * if the keys of its issuer are unavailable.
   */
  async verify(token: string, signal: AbortSignal): Promise<VerifiedCaller> {
    const issuer = this.#issuers.get(issuerIn(token));
    if (issuer === undefined) throw new TokenFault("its issuer is not accepted");
    const { config, validator } = issuer;
    const claims = await validator.validate(token, signal).catch((error) => {
      if (!(error instanceof GatewayError)) throw error;
      const message = `Cannot check the token: the keys of issuer "${config.name}" are unavailable`;
      throw new GatewayError("AUTH-009", message, { cause: error, retryAfterSeconds: 10 });
    });
    const roles = textsIn(claimAt(claims, config.rolesClaim)).slice(0, MAX_ROLES);
    checkScopes(claims, config);
    if (
      config.requiredRoles.length > 0 && !config.requiredRoles.some((role) => roles.includes(role))
    ) throw insufficient(`the token has none of the roles that issuer "${config.name}" must give`);
    const nowMs = this.#now();
    const expiresAtMs = ((claims.exp ?? 0) + CLOCK_TOLERANCE_SECONDS) * 1000;
    return {
      caller: {
        subject: `jwt:${config.name}:${subjectIn(claims, config)}`,
        roles: roles.map((role) => `role:${config.name}:${role}`),
      },
      untilMs: Math.min(expiresAtMs, nowMs + MAX_VERIFIED_MS),
    };
  }

  /**
   * The issuer and audience that a rejected token has and those that it should have, for the log;
   * nothing else of the token.
   */
  compare(token: string): Readonly<Record<string, string>> {
    let claims: JWTPayload;
    try {
      claims = decodeJwt(token);
    } catch {
      return {};
    }
    const issuer = typeof claims.iss === "string" ? this.#issuers.get(claims.iss) : undefined;
    return {
      token_issuer: quoted(claims.iss),
      expected_issuer: quoted([...this.#issuers.keys()]),
      token_audience: quoted(claims.aud),
      ...(issuer && { expected_audience: quoted(issuer.config.validation.audience) }),
    };
  }
}

/** A value of a claim, for the log. It is not verified: anyone may have written it. */
function quoted(value: unknown): string {
  const texts = textsIn(value);
  return texts.length === 0 ? "none" : quoteProvider(texts.join(", "), MAX_QUOTED, []);
}

/** Not verified yet: selects the keys only. */
function issuerIn(token: string): string {
  try {
    return decodeJwt(token).iss ?? "";
  } catch {
    throw new TokenFault(NO_JWT);
  }
}

function checkScopes(claims: JWTPayload, { name, requiredScopes }: IssuerConfig): void {
  // RFC 9068 has `scope`, one text; Entra ID and Okta have `scp`, a text or a list.
  const scopes = [...textsIn(claims["scope"]), ...textsIn(claims["scp"])]
    .flatMap((text) => text.split(" "));
  const missing = requiredScopes.filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) {
    throw insufficient(`the token lacks scopes that issuer "${name}" must give`, missing);
  }
}

function insufficient(state: string, scopes: readonly string[] = []): GatewayError {
  const plain = scopes.filter((scope) => /^[!#-[\]-~]+$/.test(scope)).join(" ");
  const scope = plain === "" ? "" : `, scope="${plain}"`;
  return new GatewayError("AUTH-007", `Authentication failed: ${state}`, {
    headers: { "www-authenticate": `Bearer error="insufficient_scope"${scope}` },
  });
}

function subjectIn(claims: JWTPayload, { subjectClaim }: IssuerConfig): string {
  const subject = claimAt(claims, subjectClaim);
  if (
    typeof subject !== "string" || subject === "" || subject.length > MAX_SUBJECT_LENGTH ||
    /\p{Cc}/u.test(subject)
  ) {
    throw new TokenFault(
      "its subject claim is missing or not plain text",
      subjectClaim.join("."),
    );
  }
  return subject;
}

function claimAt(claims: JWTPayload, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    claims,
  );
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
