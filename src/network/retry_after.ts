/**
 * The field `Retry-After` of a response (RFC 9110, section 10.2.3): seconds or a date.
 */

/**
 * How long a server asks to wait.
 *
 * @param nowMs The wall clock, for dates.
 * @returns Milliseconds, 0 for a date in the past; `undefined` if the field is absent or malformed.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  // Some servers send fractions of a second.
  if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
