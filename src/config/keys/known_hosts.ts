/**
 * The names by which clients may call a gateway that asks nobody for credentials. A web page can have its
 * own name resolve to the gateway's address (DNS rebinding) and would then reach it like a page of the
 * gateway's own; a browser that asks for an IP address cannot be led there.
 *
 * @module
 */
import type { GatewayConfig } from "../gateway_config.ts";

/** All names by which a gateway is known: host names in lower case, without ports. */
export function knownHosts(config: GatewayConfig): ReadonlySet<string> {
  const urls = [config.publicUrl ?? "", ...(config.cors?.allowedOrigins ?? [])];
  const hosts = urls.map((url) => URL.parse(url)?.hostname ?? "");
  return new Set(
    ["localhost", config.listen.address, ...config.allowedHosts, ...hosts]
      .map((host) => host.toLowerCase()).filter((host) => host !== ""),
  );
}
