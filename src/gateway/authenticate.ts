/**
 * Lets in only who has shown who they are. Open to all are what load balancers ask (`/healthz`,
 * `/readyz`), and the gateway's public keys; everything else is for the known.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import type { Caller } from "../credentials/inbound/caller.ts";
import type { Authenticator } from "./authenticator.ts";
import type { ClientAddress } from "./client_address.ts";
import type { GatewayEnv } from "./gateway_env.ts";

/** Paths that are open to all. */
export const OPEN_PATHS: ReadonlySet<string> = new Set([
  "/healthz",
  "/readyz",
  "/.well-known/jwks.json",
]);

/**
 * Makes the middleware.
 *
 * @param authenticator Finds out who a client is.
 * @param addresses Finds out where it is.
 * @returns Sets `caller`, or throws what the authenticator throws.
 */
export function authenticate(
  authenticator: Pick<Authenticator, "identify">,
  addresses: ClientAddress,
): MiddlewareHandler<GatewayEnv> {
  return function authenticateClient(c, next) {
    if (OPEN_PATHS.has(c.req.path)) return next();
    const { raw } = c.req;
    const address = addresses.of(raw.headers, c.env.remoteAddr?.hostname);
    c.set("address", address);
    const caller = authenticator.identify(raw, address);
    const goOn = (caller: Caller) => {
      c.set("caller", caller);
      return next();
    };
    return caller instanceof Promise ? caller.then(goOn) : goOn(caller);
  };
}
