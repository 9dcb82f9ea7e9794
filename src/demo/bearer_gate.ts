/**
 * Rejects requests without a valid access token (RFC 6750): signed by the identity provider, issued for
 * this store, not expired, and with the required scope (RFC 9068).
 */
import type { MiddlewareHandler } from "hono";
import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";
import { Problem } from "./problem.ts";

/** A middleware that throws a 401 or 403 problem for requests that it rejects. */
export function bearerGate(options: {
  readonly keys: JWTVerifyGetKey;
  readonly issuer: string;
  readonly audience: string;
  readonly scope: string;
  /** The wall clock, in milliseconds. */
  readonly now: () => number;
  readonly onAuthorized: () => void;
}): MiddlewareHandler {
  async function verify(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, options.keys, {
        issuer: options.issuer,
        audience: options.audience,
        algorithms: ["ES256", "RS256"],
        typ: "at+jwt",
        requiredClaims: ["exp"],
        currentDate: new Date(options.now()),
      });
      return payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout) {
        throw new Problem(503, "Cannot fetch the keys of the identity provider");
      }
      throw refusal(401, "The access token is invalid or expired", "invalid_token");
    }
  }

  return async function bearer(c, next) {
    const token = /^Bearer +([^ ]+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (token === undefined) throw refusal(401, "The request has no access token", "");
    const { scope } = await verify(token);
    const scopes = typeof scope === "string" ? scope.split(" ") : [];
    if (!scopes.includes(options.scope)) {
      throw refusal(403, `The token is not of the scope ${options.scope}`, "insufficient_scope");
    }
    options.onAuthorized();
    await next();
  };
}

function refusal(status: number, detail: string, code: string): Problem {
  const challenge = 'Bearer realm="demo"' + (code && `, error="${code}"`);
  return new Problem(status, detail, { "WWW-Authenticate": challenge });
}
