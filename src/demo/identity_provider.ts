/**
 * An OAuth2 identity provider for the demo: one client, the client credentials grant, signed access
 * tokens of a short life, keys that live as long as the process. It behaves as real ones do where
 * a client looks, but it is no identity provider to guard anything real with.
 *
 * @module
 */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { timingSafeEqual } from "hono/utils/buffer";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { type LoopbackServer, serveOnLoopback } from "./loopback_server.ts";
import { OAuthRefusal, tokenRequest } from "./token_request.ts";

/** How the provider is set up. */
export interface IdentityProviderOptions {
  /** The port to listen on where it is free. */
  readonly port: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the client may ask for; all of it where it does not say. */
  readonly scopes: readonly string[];
  /** Whom tokens are for; the first where the client does not say. */
  readonly audiences: readonly [string, ...string[]];
  /** How long a token is valid. */
  readonly tokenLifeSeconds: number;
  /** How tokens are signed; `ES256` unless told. */
  readonly algorithm?: "RS256" | "ES256";
  /** The clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A running identity provider. */
export interface IdentityProvider extends LoopbackServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly jwksUri: string;
  /** How many tokens were given out so far. */
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
      const token = await sign(issuer, scope, audience);
      issuedTokens++;
      return c.json(
        {
          access_token: token,
          token_type: "Bearer",
          expires_in: options.tokenLifeSeconds,
          scope,
        },
        200,
        NO_STORE,
      );
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

/** What the provider says of itself (OpenID Connect Discovery 1.0, section 3; RFC 8414). */
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
