/**
 * Names where a redirect leads to, for messages.
 */
import { isHost } from "../config/values/host_names.ts";

/** RFC 1035, section 2.3.4. */
const MAX_HOST_LENGTH = 253;

/**
 * Scheme, host and port of a redirect's `Location`; undefined without a usable one. Never its path and
 * query, in which login pages and signed URLs carry secrets.
 *
 * @param from The URL that was requested.
 */
export function redirectOrigin(location: string | null, from: string): string | undefined {
  const target = URL.parse(location ?? "", from);
  if (location === null || target === null || !/^https?:$/.test(target.protocol)) return undefined;
  const { hostname, origin } = target;
  return hostname.length <= MAX_HOST_LENGTH && isHost(hostname) ? origin : undefined;
}
