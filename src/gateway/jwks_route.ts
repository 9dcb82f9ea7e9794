/**
 * `/.well-known/jwks.json`: the public halves of the keys that the gateway signs assertions with, for
 * identity providers that fetch them (RFC 7517, section 5; SMART App Launch). Anyone may read it.
 *
 * @module
 */
import { Hono } from "hono";
import type { GatewayEnv } from "./gateway_env.ts";

/** A public key as it is published. */
export type PublicJwk = Readonly<Record<string, string>>;

/** Short enough that a key added before it is used is known everywhere within minutes. */
const MAX_AGE_SECONDS = 300;

/**
 * The route of the key set; none where there are no keys.
 *
 * @param keys The public keys.
 * @returns An app to mount at the root.
 */
export function jwksRoute(keys: readonly PublicJwk[]): Hono<GatewayEnv> {
  const app = new Hono<GatewayEnv>();
  if (keys.length === 0) return app;
  return app.get("/.well-known/jwks.json", (c) => {
    c.header("cache-control", `public, max-age=${MAX_AGE_SECONDS}`);
    return c.json({ keys });
  });
}
