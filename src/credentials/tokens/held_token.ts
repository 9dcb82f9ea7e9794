/**
 * Decides by two clocks how long a token in memory is valid. A wall clock set forward ends it early,
 * once; one set back cannot prolong it, because its age by the monotonic clock counts too.
 */
import type { Clock } from "../../network/clock.ts";
import type { Token } from "../token.ts";

export interface HeldToken {
  readonly token: Token;
  readonly endsAtMonotonicMs: number;
}

/** Minimum time from receiving a token to renewing it, however short its lifetime. */
const MIN_RENEWAL_DELAY_MS = 1000;

/** Tokens of a replica whose clock is further ahead are not used. */
const MAX_CLOCK_SKEW_MS = 30_000;

export function holdToken(token: Token, clock: Clock): HeldToken {
  return { token, endsAtMonotonicMs: clock.monotonic() + remainingMs(token, clock.now()) };
}

export function isAlive(held: HeldToken, clock: Clock): boolean {
  return clock.now() < held.token.expiresAtMs && clock.monotonic() < held.endsAtMonotonicMs;
}

/**
 * The remaining lifetime in milliseconds, negative after expiry. Never more than the whole lifetime:
 * `issuedAtMs` is in the future if another replica's clock is ahead or this one was set back.
 */
function remainingMs(token: Token, nowMs: number): number {
  return Math.min(token.expiresAtMs - nowMs, lifeMs(token));
}

/**
 * Whether another process's token may be used. One issued in the future may not: a clock is wrong or
 * was set back, and the token's age is unknown.
 */
export function isCredible(stored: Token, nowMs: number): boolean {
  return nowMs < stored.expiresAtMs && stored.issuedAtMs <= nowMs + MAX_CLOCK_SKEW_MS;
}

export function lifeMs(token: Token): number {
  return token.expiresAtMs - token.issuedAtMs;
}

/**
 * Milliseconds until a token is renewed: the buffer before its expiry, but not before half its
 * lifetime. Otherwise a buffer longer than the lifetime would cause a token request per DICOM request.
 */
export function renewalDelayMs(token: Token, nowMs: number, refreshBufferMs: number): number {
  const bufferMs = Math.min(refreshBufferMs, lifeMs(token) / 2);
  return Math.max(remainingMs(token, nowMs) - bufferMs, MIN_RENEWAL_DELAY_MS);
}
