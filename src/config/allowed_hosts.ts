/**
 * The names by which clients may call a gateway that asks nobody who they are. A web page can have its
 * own name resolve to the gateway's address (DNS rebinding) and would then reach it like a page of the
 * gateway's own; a browser that asks for an IP address cannot be led there.
 *
 * @module
 */
import { z } from "zod";
import type { GatewayConfig } from "./gateway_config.ts";
import { isHost } from "./host_names.ts";

/** The key `AllowedHosts`. */
export const allowedHostsSchema: z.ZodDefault<z.ZodArray<z.ZodString>> = z.array(
  z.string().refine(
    (host) => isHost(host) && !host.includes(":"),
    "must be a host name, without a port",
  ),
).default([]);

/**
 * All names by which a gateway is known.
 *
 * @param config The configuration.
 * @returns Host names in lower case, without ports; IP addresses are not among them as a rule.
 */
export function knownHosts(config: GatewayConfig): ReadonlySet<string> {
  const urls = [config.publicUrl ?? "", ...(config.cors?.allowedOrigins ?? [])];
  const hosts = urls.map((url) => URL.parse(url)?.hostname ?? "");
  return new Set(
    ["localhost", config.listen.address, ...(config.allowedHosts ?? []), ...hosts]
      .map((host) => host.toLowerCase()).filter((host) => host !== ""),
  );
}
