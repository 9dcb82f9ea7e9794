/**
 * How long a token at hand is good for, by two clocks: it must be alive by both. A wall clock set
 * forward ends it early, once; one set back cannot keep it alive, because its age by the monotonic
 * clock still counts.
 *
 * @module
 */
import type { Clock } from "../../network/clock.ts";
import type { Token } from "../token.ts";

/** A token and its end by the monotonic clock. */
export interface HeldToken {
  readonly token: Token;
  readonly endsAtMonotonicMs: number;
}

/** Least time between a token's arrival and its renewal, however short it lives. */
const MIN_RENEWAL_DELAY_MS = 1000;

/** How far ahead the clock of another replica may be for its tokens to be used. */
const MAX_CLOCK_SKEW_MS = 30_000;

/**
 * Takes a token in hand.
 *
 * @param token The token, fresh or from a store that others write to.
 * @returns The token with its end by both clocks.
 */
export function holdToken(token: Token, clock: Clock): HeldToken {
  return { token, endsAtMonotonicMs: clock.monotonic() + remainingMs(token, clock.now()) };
}

/**
 * Tells whether a token may be used.
 *
 * @returns Whether it is alive by both.
 */
export function isAlive(held: HeldToken, clock: Clock): boolean {
  return clock.now() < held.token.expiresAtMs && clock.monotonic() < held.endsAtMonotonicMs;
}

/**
 * The time a token has left. Never more than its whole life: its `issuedAtMs` may lie in the
 * future, if another replica's clock is ahead or this one was set back.
 *
 * @returns Milliseconds, negative once it has expired.
 *
 * @example
 * ```ts
 * import { remainingMs } from "./held_token.ts";
 * import assert from "node:assert/strict";
 *
 * const token = { value: "abc", type: "Bearer", issuedAtMs: 10_000, expiresAtMs: 70_000 };
 * assert.equal(remainingMs(token, 30_000), 40_000);
 * assert.equal(remainingMs(token, 0), 60_000);
 * ```
 */
export function remainingMs(token: Token, nowMs: number): number {
  return Math.min(token.expiresAtMs - nowMs, lifeMs(token));
}

/**
 * Tells whether a token that another process stored can be believed to be alive.
 *
 * @returns False where it has expired, and where it was issued in the future: then a clock was set
 * back, or is wrong, and its age cannot be known.
 */
export function isCredible(stored: Token, nowMs: number): boolean {
  return nowMs < stored.expiresAtMs && stored.issuedAtMs <= nowMs + MAX_CLOCK_SKEW_MS;
}

/**
 * The whole life of a token.
 *
 * @returns Milliseconds.
 */
export function lifeMs(token: Token): number {
  return token.expiresAtMs - token.issuedAtMs;
}

/**
 * When to renew a token: the buffer before its end, but never before half its life is over.
 * Otherwise a buffer longer than the life would mean a token request per DICOM request.
 *
 * @returns Milliseconds from now.
 *
 * @example
 * ```ts
 * import { renewalDelayMs } from "./held_token.ts";
 * import assert from "node:assert/strict";
 *
 * const token = { value: "abc", type: "Bearer", issuedAtMs: 0, expiresAtMs: 300_000 };
 * assert.equal(renewalDelayMs(token, 0, 60_000), 240_000);
 * assert.equal(renewalDelayMs(token, 0, 600_000), 150_000);
 * ```
 */
export function renewalDelayMs(token: Token, nowMs: number, refreshBufferMs: number): number {
  const bufferMs = Math.min(refreshBufferMs, lifeMs(token) / 2);
  return Math.max(remainingMs(token, nowMs) - bufferMs, MIN_RENEWAL_DELAY_MS);
}
