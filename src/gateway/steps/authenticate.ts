/**
 * Rejects requests without valid credentials, except those for open pages: the health checks of load
 * balancers and the gateway's public keys.
 */
import type { MiddlewareHandler } from "hono";
import type { Caller } from "../../credentials/inbound/caller.ts";
import type { Authenticator } from "./authenticator.ts";
import type { ClientAddress } from "../client_address.ts";
import type { Destination, GatewayEnv } from "../gateway_env.ts";

/** Sets `caller`, or throws what the authenticator throws. */
export function authenticate(
  authenticator: Pick<Authenticator, "identify">,
  addresses: ClientAddress,
): MiddlewareHandler<GatewayEnv> {
  return function authenticateClient(c, next) {
    if (isOpen(c.get("destination"))) return next();
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

/** Whether a page is open to everyone. */
export function isOpen(destination: Destination): boolean {
  return destination.kind === "page" && destination.page?.right === "open";
}
