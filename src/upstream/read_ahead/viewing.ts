/**
 * One client's way through a series: requests that differ in their place only.
 */
import type { PlacedRequest } from "./series_place.ts";
import { type Listing, Sequence } from "./sequence.ts";

/** What the requests of a viewing share. */
export interface ViewingOptions {
  readonly placed: PlacedRequest;
  readonly subject: string | undefined;
  /** Begins the keys of its answers. */
  readonly representation: string;
}

/** Without a request for so long, the client looks at something, or has gone. */
const IDLE_MS = 8_000;
/** The same if it looks at another series meanwhile. */
const ELSEWHERE_MS = 2_000;

export class Viewing {
  readonly placed: PlacedRequest;
  readonly subject: string | undefined;
  readonly representation: string;
  lastAtMs = 0;
  /** Bytes in memory that nobody has asked for yet. */
  unusedBytes = 0;
  /** Requests under way, and the bytes of the last answer. */
  underWay = 0;
  lastBytes = 0;
  /** Until the client asks again: there is no room. */
  isPaused = false;
  /** Until a client is given an answer that may be kept: the store refuses, or forbids to keep. */
  isRefused = false;
  hasAskedForList = false;
  readonly #sequence = new Sequence();
  #targets: Iterator<string> | undefined;

  constructor({ placed, subject, representation }: ViewingOptions) {
    this.placed = placed;
    this.subject = subject;
    this.representation = representation;
  }

  /** The client has asked for a place, at a time of the monotonic clock. */
  note({ place }: PlacedRequest, nowMs: number): void {
    this.#sequence.note(place);
    this.lastAtMs = nowMs;
    this.isPaused = false;
  }

  /** The client has left the way that was foreseen, or more is known of it. */
  reconsider(): void {
    this.#targets = undefined;
  }

  get hasBegun(): boolean {
    return this.#sequence.hasBegun;
  }

  /** Whether the client goes on, as far as can be seen; `others`: all viewings. */
  isActive(others: Iterable<Viewing>, nowMs: number): boolean {
    const sinceMs = nowMs - this.lastAtMs;
    if (sinceMs < ELSEWHERE_MS) return true;
    if (sinceMs >= IDLE_MS) return false;
    for (const other of others) {
      if (other.subject === this.subject && other.lastAtMs > this.lastAtMs) return false;
    }
    return true;
  }

  /** The next target that `isWanted`. */
  next(listing: Listing, isWanted: (target: string) => boolean): string | undefined {
    this.#targets ??= targets(this.placed, this.#sequence, listing);
    for (;;) {
      const { done, value } = this.#targets.next();
      if (done) return undefined;
      if (isWanted(value)) return value;
    }
  }

  /** Whether the list says what follows. */
  isListed(listing: Listing): boolean {
    return this.#sequence.following(listing).next().done === false;
  }
}

function* targets(
  { targetAt }: PlacedRequest,
  sequence: Sequence,
  listing: Listing,
): Generator<string, undefined, void> {
  for (const place of sequence.following(listing)) yield targetAt(place);
  return undefined;
}
