/**
 * `TrustedProxies`: the proxies in front of the gateway whose word counts about who the client is and
 * which address it called.
 *
 * @module
 */
import { z } from "zod";

const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: "must be an IP address or a network such as 10.1.0.0/16",
});

/** The key `TrustedProxies`. */
export const trustedProxiesSchema: z.ZodDefault<z.ZodArray<typeof network>> = z.array(network)
  .default([]);
