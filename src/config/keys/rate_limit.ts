/**
 * `RateLimitRequests` and `RateLimitWindowSeconds`: how many requests one client may send. A server may
 * have numbers of its own.
 *
 * @module
 */
import type { Complain } from "../values/keys_of.ts";
import { seconds, whole } from "../values/value_schemas.ts";

const DEFAULT_WINDOW_MS = 60_000;

/** The keys of the section. */
export const rateLimitKeys = {
  RateLimitRequests: whole(1, 1_000_000).optional().describe(
    "Requests per client and window, over all workers; unlimited by default. DICOMweb and the gateway's own pages are counted separately; see " +
      "[security/rate-limiting.md](security/rate-limiting.md)",
  ),
  RateLimitWindowSeconds: seconds(0.001).optional().describe(
    "Length of the window of `RateLimitRequests`; default: 60",
  ),
};

/** The keys of a server. */
export const serverRateLimitKeys = {
  RateLimitRequests: whole(0, 1_000_000).optional().describe(
    "Requests per client and window to this server, instead of the gateway's limit; 0: unlimited",
  ),
  RateLimitWindowSeconds: seconds(0.001).optional().describe(
    "Length of the window of `RateLimitRequests` of this server; default: 60",
  ),
};

/** The keys, parsed. */
interface RateLimitKeys {
  readonly RateLimitRequests?: number | undefined;
  readonly RateLimitWindowSeconds?: number | undefined;
}

/** How many requests a client may send. */
export interface RateLimitConfig {
  readonly requests: number;
  readonly windowMs: number;
}

/** A window needs requests to count. */
export function rateLimitRule(keys: RateLimitKeys, complain: Complain): void {
  if (keys.RateLimitRequests !== undefined || keys.RateLimitWindowSeconds === undefined) return;
  complain("RateLimitRequests", "is missing: RateLimitWindowSeconds alone limits nothing");
}

/** The limit: `unlimited` for 0 requests, `undefined` where none is given. */
export function rateLimitOf(
  { RateLimitRequests: requests, RateLimitWindowSeconds: windowMs = DEFAULT_WINDOW_MS }:
    RateLimitKeys,
): RateLimitConfig | "unlimited" | undefined {
  if (requests === undefined) return undefined;
  return requests === 0 ? "unlimited" : { requests, windowMs };
}
