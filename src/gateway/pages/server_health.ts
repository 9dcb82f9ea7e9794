/**
 * Says in one word how a server is, from what its last requests and its circuit breakers tell.
 *
 * @module
 */
import type { ServerState } from "../account/gateway_state.ts";

/** How a server is, the worst first. */
export const HEALTHS = [
  "failing",
  "recovering",
  "refusing",
  "misplaced",
  "unused",
  "working",
] as const;

/** How a server is. */
export type Health = (typeof HEALTHS)[number];

/**
 * How a server is.
 *
 * @returns `failing` where the last request got no answer or one from 500 on, or a breaker is open;
 * `recovering` where a breaker tries again; `refusing` where the store last answered 401 or 403;
 * `misplaced` where it has nothing at its address; `unused` before the first request; else `working`.
 */
export function healthOf(
  { tokenBreaker, storeBreaker, verdict }: Pick<
    ServerState,
    "tokenBreaker" | "storeBreaker" | "verdict"
  >,
): Health {
  if (tokenBreaker === 1 || storeBreaker === 1) return "failing";
  if (tokenBreaker === 2 || storeBreaker === 2) return "recovering";
  if (verdict === undefined) return "unused";
  const { status, isMisplaced } = verdict;
  if (status === undefined || status >= 500) return "failing";
  if (status === 401 || status === 403) return "refusing";
  return isMisplaced ? "misplaced" : "working";
}
