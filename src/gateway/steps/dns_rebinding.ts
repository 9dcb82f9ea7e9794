/**
 * Protects a gateway without authentication from web pages whose name resolves to its address (DNS
 * rebinding): it accepts only IP addresses, which no page can have as its name, and its known names.
 */
import type { MiddlewareHandler } from "hono";
import { BoundedCache } from "../../dicomweb/bounded_cache.ts";
import { GatewayError } from "../../errors/gateway_error.ts";
import { isIpAddress } from "../../config/values/ip_networks.ts";
import type { GatewayEnv } from "../gateway_env.ts";
import { originOf } from "../public_address.ts";

/** @param known Host names in lower case. */
export function refuseForeignHosts(known: ReadonlySet<string>): MiddlewareHandler<GatewayEnv> {
  const verdicts = new BoundedCache<boolean>({ maxEntries: 100, maxKeyLength: 300 });
  return function refuseForeignHost(c, next) {
    const origin = originOf(c.req.raw.url);
    if (!verdicts.get(origin, () => known.has(hostOf(origin)) || isAddress(hostOf(origin)))) {
      throw new GatewayError(
        "AUTH-008",
        "Request rejected: the host name is not one of the gateway's",
        // For AllowedHosts. A name in DNS has at most 253 characters.
        { logFields: { host: hostOf(origin).slice(0, 253) } },
      );
    }
    return next();
  };
}

function hostOf(origin: string): string {
  return URL.parse(origin)?.hostname.toLowerCase().replace(/\.$/, "") ?? "";
}

function isAddress(host: string): boolean {
  return isIpAddress(host.replace(/^\[|\]$/g, ""));
}
