/**
 * The host names that clients of a gateway without authentication may use. A web page can let its own
 * name resolve to the gateway's address (DNS rebinding) and would then have the same origin; an IP
 * address cannot be rebound.
 */
import type { GatewayConfig } from "../gateway_config.ts";

/** All host names of a gateway, in lower case and without ports. */
export function knownHosts(config: GatewayConfig): ReadonlySet<string> {
  const urls = [config.publicUrl ?? "", ...(config.cors?.allowedOrigins ?? [])];
  const hosts = urls.map((url) => URL.parse(url)?.hostname ?? "");
  return new Set(
    ["localhost", config.listen.address, ...config.allowedHosts, ...hosts]
      .map((host) => host.toLowerCase()).filter((host) => host !== ""),
  );
}
