/**
 * When a certificate is to be renewed.
 *
 * @module
 */

/** A certificate that is valid for less than this is warned of. */
export const WARN_BELOW_DAYS = 30;
const DAY_MS = 86_400_000;

/**
 * What to say of a certificate that has expired or soon will.
 *
 * @param expiresAtMs Until when it is valid, in milliseconds since the epoch.
 * @returns The warning; nothing where there is time.
 *
 * @example
 * ```ts
 * import { expiryWarning } from "./certificate_expiry.ts";
 * import assert from "node:assert/strict";
 *
 * const now = Date.UTC(2026, 0, 1);
 * assert.equal(expiryWarning(Date.UTC(2026, 0, 8), now), "the certificate expires on 2026-01-08, in 7 days");
 * assert.equal(expiryWarning(Date.UTC(2025, 11, 31), now), "the certificate expired on 2025-12-31");
 * assert.equal(expiryWarning(Date.UTC(2027, 0, 1), now), undefined);
 * ```
 */
export function expiryWarning(expiresAtMs: number, nowMs: number): string | undefined {
  const day = new Date(expiresAtMs).toISOString().slice(0, 10);
  if (expiresAtMs <= nowMs) return `the certificate expired on ${day}`;
  const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
  if (days >= WARN_BELOW_DAYS) return undefined;
  return `the certificate expires on ${day}, in ${days} ${days === 1 ? "day" : "days"}`;
}
