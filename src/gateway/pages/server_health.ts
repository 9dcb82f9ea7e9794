/**
 * The health of a server in one word, from its last requests and its circuit breakers.
 */
import { isFailedUpload, type Verdict } from "../account/activity.ts";
import type { ServerState } from "../account/gateway_state.ts";

/** In the order of the status page: the worst first, unused ones last. */
export const HEALTHS = [
  "failing",
  "rejecting",
  "recovering",
  "refusing",
  "misplaced",
  "working",
  "unused",
] as const;

/** Headers are too long (RFC 6585, section 5; nginx). The credential is the longest of them. */
export const TOO_LONG: ReadonlySet<number> = new Set([431, 494]);

export type Health = (typeof HEALTHS)[number];

/**
 * @returns `failing` if the last request got no response or a 5xx, or a breaker is open; `recovering` if
 * a breaker is half-open; `refusing` if the store last answered 401 or 403, or 431 or 494 to a long
 * credential; `misplaced` if there is no store at its URL; `rejecting` if only uploads fail; `unused`
 * before the first request; otherwise
 * `working`.
 */
export function healthOf(
  { tokenBreaker, storeBreaker, verdict, upload }: Pick<
    ServerState,
    "tokenBreaker" | "storeBreaker" | "verdict" | "upload"
  >,
): Health {
  if (tokenBreaker === 1 || storeBreaker === 1) return "failing";
  if (tokenBreaker === 2 || storeBreaker === 2) return "recovering";
  const others = verdict === undefined ? "unused" : healthBy(verdict);
  if (upload === undefined || !isFailedUpload(upload)) return others;
  // The store works, but not for uploads.
  if (others === "working") return "rejecting";
  const own = healthBy(upload);
  if (own !== "working") return worse(own, others);
  return others === "unused" ? "rejecting" : others;
}

/** The health of a server by one of its outcomes. */
export function healthBy({ status, isMisplaced }: Verdict): Health {
  if (status === undefined || status >= 500) return "failing";
  if (status === 401 || status === 403 || TOO_LONG.has(status)) return "refusing";
  return isMisplaced ? "misplaced" : "working";
}

function worse(one: Health, other: Health): Health {
  return HEALTHS.indexOf(one) < HEALTHS.indexOf(other) ? one : other;
}
