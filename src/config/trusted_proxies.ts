/**
 * `TrustedProxies`: the proxies in front of the gateway whose word counts about who the client is and
 * which address it called.
 *
 * @module
 */
import { isIP } from "node:net";
import { z } from "zod";

/** An address, or a network in CIDR notation (RFC 4632, RFC 4291). */
const network = z.string().refine((value) => {
  const [address = "", bits, ...more] = value.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined ||
    (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}, "must be an IP address or a network such as 10.1.0.0/16");

/** The key `TrustedProxies`. */
export const trustedProxiesSchema: z.ZodDefault<z.ZodArray<typeof network>> = z.array(network)
  .default([]);
