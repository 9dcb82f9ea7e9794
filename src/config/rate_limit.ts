/**
 * `RateLimitRequests` and `RateLimitWindowSeconds`: how many requests one client may send. A server may
 * have numbers of its own.
 *
 * @module
 */
import type { z } from "zod";
import type { RateLimitConfig } from "./gateway_config.ts";
import type { RawKeys, ReadContext } from "./read_context.ts";
import { DAY_SECONDS, decimal, whole } from "./value_schemas.ts";

/** The keys of the section. */
export const rateLimitKeys = {
  RateLimitRequests: whole(1, 1_000_000).optional().describe(
    "How many requests a client may send within the window, over all workers; not limited unless given. " +
      "DICOMweb and the gateway's own pages count apart; see " +
      "[security/rate-limiting.md](security/rate-limiting.md)",
  ),
  RateLimitWindowSeconds: decimal(0.001, DAY_SECONDS).default(60).describe(
    "Length of the window of `RateLimitRequests`",
  ),
};

/** The keys of a server. */
export const serverRateLimitKeys = {
  RateLimitRequests: whole(0, 1_000_000).optional().describe(
    "How many requests a client may send to this server within the window, in place of the gateway's " +
      "limit; 0 for any number",
  ),
  RateLimitWindowSeconds: decimal(0.001, DAY_SECONDS).default(60).describe(
    "Length of the window of `RateLimitRequests` of this server",
  ),
};

/**
 * Checks that a window has requests to count.
 *
 * @param raw The object as written.
 * @param context Where it stands.
 */
export function checkRateLimit(raw: RawKeys, { path, report }: ReadContext): void {
  const { RateLimitRequests: requests, RateLimitWindowSeconds: window } = raw;
  if (requests !== undefined || window === undefined) return;
  report.add(
    "CFG-001",
    [...path, "RateLimitRequests"],
    "is missing: RateLimitWindowSeconds alone limits nothing",
  );
}

/**
 * Makes a limit.
 *
 * @param keys The keys, checked.
 * @returns The limit; `unlimited` for 0 requests, nothing where none is given.
 */
export function buildRateLimit(
  keys: z.output<z.ZodObject<typeof serverRateLimitKeys>>,
): RateLimitConfig | "unlimited" | undefined {
  const { RateLimitRequests: requests, RateLimitWindowSeconds: window } = keys;
  if (requests === undefined) return undefined;
  return requests === 0 ? "unlimited" : { requests, windowMs: Math.round(window * 1_000) };
}
