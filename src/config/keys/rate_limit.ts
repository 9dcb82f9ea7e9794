/**
 * `RateLimitRequests` and `RateLimitWindowSeconds`: the rate limit per client, of the gateway and of
 * single servers.
 */
import type { z } from "zod";
import type { Complain } from "../values/keys_of.ts";
import { waitSeconds, whole } from "../values/value_schemas.ts";

const DEFAULT_WINDOW_MS = 60_000;

export const rateLimitKeys = {
  RateLimitRequests: whole(1, 1_000_000).optional().describe(
    "Requests per client and window, over all workers; unlimited by default. DICOMweb and the gateway's own pages are counted separately; see " +
      "[security/rate-limiting.md](security/rate-limiting.md)",
  ),
  RateLimitWindowSeconds: waitSeconds().optional().describe(
    "Length of the window of `RateLimitRequests`; default: 60",
  ),
};

export const serverRateLimitKeys = {
  RateLimitRequests: whole(0, 1_000_000).optional().describe(
    "Requests per client and window to this server, instead of the gateway's limit; 0: unlimited",
  ),
  RateLimitWindowSeconds: waitSeconds().optional().describe(
    "Length of the window of `RateLimitRequests` of this server; default: 60",
  ),
};

type RateLimitKeys = z.output<z.ZodObject<typeof rateLimitKeys>>;

export interface RateLimitConfig {
  readonly requests: number;
  readonly windowMs: number;
}

/** A window without a number of requests has no effect. */
export function rateLimitRule(keys: RateLimitKeys, complain: Complain): void {
  if (keys.RateLimitRequests !== undefined || keys.RateLimitWindowSeconds === undefined) return;
  complain("RateLimitRequests", "is missing: RateLimitWindowSeconds alone limits nothing");
}

/** The limit: `unlimited` for 0 requests, `undefined` if none is configured. */
export function rateLimitOf(
  { RateLimitRequests: requests, RateLimitWindowSeconds: windowMs = DEFAULT_WINDOW_MS }:
    RateLimitKeys,
): RateLimitConfig | "unlimited" | undefined {
  if (requests === undefined) return undefined;
  return requests === 0 ? "unlimited" : { requests, windowMs };
}
