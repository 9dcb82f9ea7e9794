/**
 * Guards a gateway that asks nobody who they are against web pages that have their own name resolve to
 * its address (DNS rebinding): it answers only to IP addresses, which no page can take for its own, and
 * to the names it is known by.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { BoundedCache } from "../../dicomweb/bounded_cache.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { isIpAddress } from "../../network/ip_networks.ts";
import type { GatewayEnv } from "../gateway_env.ts";

/**
 * Makes the middleware.
 *
 * @param known Host names in lower case.
 * @returns Refuses requests for other names with 421.
 */
export function refuseForeignHosts(known: ReadonlySet<string>): MiddlewareHandler<GatewayEnv> {
  const verdicts = new BoundedCache<boolean>({ maxEntries: 100, maxKeyLength: 300 });
  return function refuseForeignHost(c, next) {
    const { url } = c.req.raw;
    const origin = url.slice(0, url.indexOf("/", url.indexOf("://") + 3));
    if (!verdicts.get(origin, () => isKnown(origin, known))) {
      throw new GatewayError(
        "AUTH-008",
        "Request rejected: the host name is not one of the gateway's",
      );
    }
    return next();
  };
}

function isKnown(origin: string, known: ReadonlySet<string>): boolean {
  const host = URL.parse(origin)?.hostname.toLowerCase().replace(/\.$/, "") ?? "";
  return known.has(host) || isIpAddress(host.replace(/^\[|\]$/g, ""));
}
