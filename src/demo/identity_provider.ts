/**
 * The OAuth2 identity provider of the demo: one client, the client credentials grant, signed
 * short-lived access tokens, keys that exist only in this process. To clients it behaves like real ones,
 * but it must not protect anything real.
 */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { timingSafeEqual } from "hono/utils/buffer";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { type LoopbackServer, serveOnLoopback } from "./loopback_server.ts";
import { OAuthRefusal, tokenRequest } from "./token_request.ts";

export interface IdentityProviderOptions {
  /** The preferred port. */
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The permitted scopes; a token has all of them unless the client requests some. */
  readonly scopes: readonly string[];
  /** The permitted audiences; a token has the first unless the client requests another. */
  readonly audiences: readonly [string, ...string[]];
  readonly tokenLifeSeconds: number;
  /** `ES256` unless given. */
  readonly algorithm?: "RS256" | "ES256";
  /** The wall clock, in milliseconds. */
  readonly now?: () => number;
}

export interface IdentityProvider extends LoopbackServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  readonly issuedTokens: number;
}

const MAX_FORM_BYTES = 16 * 1024;

/** Starts an identity provider on 127.0.0.1. */
export async function startIdentityProvider(
  options: IdentityProviderOptions,
): Promise<IdentityProvider> {
  const algorithm = options.algorithm ?? "ES256";
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const kid = crypto.randomUUID();
  const publicJwk: JWK = { ...await exportJWK(publicKey), kid, alg: algorithm, use: "sig" };
  const now = options.now ?? Date.now;
  let issuedTokens = 0;

  function sign(issuer: string, scope: string, audience: string): Promise<string> {
    const issuedAt = Math.floor(now() / 1000);
    // RFC 9068, section 2.
    return new SignJWT({ scope, client_id: options.clientId })
      .setProtectedHeader({ alg: algorithm, kid, typ: "at+jwt" })
      .setIssuer(issuer)
      .setSubject(options.clientId)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + options.tokenLifeSeconds)
      .setJti(crypto.randomUUID())
      .sign(privateKey);
  }

  const server = serveOnLoopback(options.port, (issuer) => {
    const app = new Hono();
    app.get("/.well-known/openid-configuration", (c) => c.json(metadata(issuer, options.scopes)));
    app.get("/jwks", (c) => c.json({ keys: [publicJwk] }));
    app.post("/token", bodyLimit({ maxSize: MAX_FORM_BYTES }), async (c) => {
      const request = tokenRequest(c.req.header(), await c.req.text());
      const isClient = request.clientId === options.clientId &&
        await timingSafeEqual(request.clientSecret, options.clientSecret);
      if (!isClient) throw new OAuthRefusal("invalid_client", "client id or secret is wrong");
      if (request.grantType !== "client_credentials") {
        throw new OAuthRefusal("unsupported_grant_type", "only client_credentials is offered");
      }
      const scopes = request.scopes ?? options.scopes;
      if (!scopes.every((each) => options.scopes.includes(each))) {
        throw new OAuthRefusal("invalid_scope", "the client may not ask for this scope");
      }
      const audience = request.audience ?? options.audiences[0];
      if (!options.audiences.includes(audience)) {
        throw new OAuthRefusal("invalid_target", "no such audience is known");
      }
      const scope = scopes.join(" ");
      const answer = {
        access_token: await sign(issuer, scope, audience),
        token_type: "Bearer",
        expires_in: options.tokenLifeSeconds,
        scope,
      };
      issuedTokens++;
      return c.json(answer, 200, NO_STORE);
    });
    app.all("/token", (c) => c.text("Method not allowed", 405, { Allow: "POST" }));
    app.onError((error, c) => {
      if (error instanceof HTTPException) return error.getResponse();
      if (!(error instanceof OAuthRefusal)) throw error;
      return c.json(
        { error: error.code, error_description: error.message },
        error.status,
        { ...NO_STORE, ...(error.status === 401 && { "WWW-Authenticate": 'Basic realm="demo"' }) },
      );
    });
    return app.fetch;
  });
  return {
    ...server,
    issuer: server.origin,
    tokenEndpoint: `${server.origin}/token`,
    jwksUri: `${server.origin}/jwks`,
    get issuedTokens() {
      return issuedTokens;
    },
  };
}

const NO_STORE = { "Cache-Control": "no-store", "Pragma": "no-cache" };

/** Metadata of the provider (OpenID Connect Discovery 1.0, section 3; RFC 8414). */
function metadata(issuer: string, scopes: readonly string[]): Record<string, unknown> {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    scopes_supported: scopes,
    response_types_supported: [],
    grant_types_supported: ["client_credentials"],
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
  };
}
