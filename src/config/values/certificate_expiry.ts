/**
 * Warns of certificates that have expired or soon will.
 */

/** Certificates that are valid for less than this cause a warning. */
export const WARN_BELOW_DAYS = 30;
const DAY_MS = 86_400_000;

/** The warning about a certificate, if one is due; times in milliseconds since the epoch. */
export function expiryWarning(expiresAtMs: number, nowMs: number): string | undefined {
  const day = new Date(expiresAtMs).toISOString().slice(0, 10);
  if (expiresAtMs <= nowMs) return `the certificate expired on ${day}`;
  const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
  if (days >= WARN_BELOW_DAYS) return undefined;
  return `the certificate expires on ${day}, in ${days} ${days === 1 ? "day" : "days"}`;
}
